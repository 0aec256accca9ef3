//! allconv
