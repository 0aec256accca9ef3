//! Curves and scatter plots with axes, ticks and a legend.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::super::ReportError;
use super::Picture;
use super::drawing::{Drawing, FAMILY, Failure, LETTERS, LINE, TEXT, fitted, font, text_width};

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Points joined by lines in the order given.
    Line,
    /// Points alone.
    Points,
}

/// A named list of points (x, y).
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// The points; those that are not finite are left out.
    pub points: Vec<(f64, f64)>,
    /// How they are drawn.
    pub style: Style,
}

/// A plot.
///
/// ```
/// use lab::report::Plot;
/// let plot = Plot::new("errors", "epoch", "test error, %")
///     .line("A", vec![(1.0, 40.0), (2.0, 25.0)])
///     .line("B", vec![(1.0, 50.0), (2.0, 22.0)]);
/// let picture = plot.draw()?;
/// assert_eq!((picture.width(), picture.height()), (1200, 720));
/// # Ok::<(), lab::report::ReportError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    title: String,
    x_label: String,
    y_label: String,
    series: Vec<Series>,
    /// Small, and without a legend.
    is_panel: bool,
}

/// Width and height of a panel.
const PANEL: (u32, u32) = (480, 460);
const WIDTH: u32 = 1200;
const HEIGHT: u32 = 720;
/// Length of the line before a name in the legend, pixels.
const SAMPLE: i32 = 36;

/// Colors that color-blind readers can tell apart (Okabe and Ito), and darker forms of them.
const COLORS: [RGBColor; 14] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
    RGBColor(0, 60, 100),
    RGBColor(130, 50, 0),
    RGBColor(0, 90, 60),
    RGBColor(120, 40, 90),
    RGBColor(140, 95, 0),
    RGBColor(40, 100, 140),
    RGBColor(180, 180, 40),
];

type Area<'a> = DrawingArea<BitMapBackend<'a>, plotters::coord::Shift>;

impl Plot {
    /// A plot without points.
    pub fn new(
        title: impl Into<String>,
        x_label: impl Into<String>,
        y_label: impl Into<String>,
    ) -> Self {
        Self {
            title: title.into(),
            x_label: x_label.into(),
            y_label: y_label.into(),
            series: Vec::new(),
            is_panel: false,
        }
    }

    /// The same with a curve.
    pub fn line(self, name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        self.series(name, points, Style::Line)
    }

    /// The same with a cloud of points.
    pub fn points(self, name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        self.series(name, points, Style::Points)
    }

    fn series(mut self, name: impl Into<String>, points: Vec<(f64, f64)>, style: Style) -> Self {
        let name = name.into();
        self.series.push(Series {
            name,
            points,
            style,
        });
        self
    }

    /// The same small and without a legend, to stand beside others like it.
    pub fn panel(self) -> Self {
        Self {
            is_panel: true,
            ..self
        }
    }

    /// The plot as a picture.
    ///
    /// # Errors
    /// A plot without a finite point.
    pub fn draw(&self) -> Result<Picture, ReportError> {
        let finite = || self.series.iter().flat_map(finite_points);
        if finite().next().is_none() {
            return Err(ReportError::Figure {
                title: self.title.clone(),
                argument: "the plot".to_owned(),
                found: "without a finite point".to_owned(),
                wanted: "at least one".to_owned(),
            });
        }
        let (xs, ys) = (range(finite().map(|p| p.0)), range(finite().map(|p| p.1)));
        let (width, height) = match self.is_panel {
            true => PANEL,
            false => (WIDTH, HEIGHT),
        };
        let mut drawing = Drawing::new(width, height);
        drawing.draw(|area| {
            if self.is_panel {
                return self.draw_curves(area, xs, ys);
            }
            let names = self.series.iter().map(|series| text_width(&series.name));
            let legend = names.max().unwrap_or(0) + SAMPLE as u32 + 30;
            let legend = legend.min(WIDTH * 2 / 5);
            let (left, right) = area.split_horizontally(WIDTH - legend);
            self.draw_legend(&right, legend)?;
            self.draw_curves(&left, xs, ys)
        })?;
        Ok(Picture {
            title: self.title.clone(),
            image: drawing.image,
        })
    }

    fn draw_curves(&self, area: &Area, xs: (f64, f64), ys: (f64, f64)) -> Result<(), Failure> {
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, (FAMILY, LETTERS + 6).into_font().color(&TEXT))
            .margin(14)
            .x_label_area_size(2 * LINE)
            .y_label_area_size(4 * LINE)
            .build_cartesian_2d(xs.0..xs.1, ys.0..ys.1)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(RGBColor(215, 215, 215))
            .axis_style(TEXT)
            .x_labels(if self.is_panel { 4 } else { 8 })
            .y_labels(8)
            .x_label_formatter(&|value| tick(*value, xs))
            .y_label_formatter(&|value| tick(*value, ys))
            .x_desc(&self.x_label)
            .y_desc(&self.y_label)
            .label_style(font().color(&TEXT))
            .axis_desc_style(font().color(&TEXT))
            .draw()?;
        for (index, series) in self.series.iter().enumerate() {
            let color = COLORS[index % COLORS.len()];
            let points: Vec<(f64, f64)> = finite_points(series).collect();
            let size = match series.style {
                Style::Line => 4,
                Style::Points => 3,
            };
            if series.style == Style::Line {
                let line = points.iter().copied();
                chart.draw_series(LineSeries::new(line, color.stroke_width(3)))?;
            }
            let dots = points.into_iter();
            chart.draw_series(dots.map(|at| Circle::new(at, size, color.filled())))?;
        }
        Ok(())
    }

    fn draw_legend(&self, area: &Area, width: u32) -> Result<(), Failure> {
        let middle = Pos::new(HPos::Left, VPos::Center);
        let style = font().color(&TEXT).pos(middle);
        for (index, series) in self.series.iter().enumerate() {
            let color = COLORS[index % COLORS.len()];
            let y = (2 * LINE + index as u32 * LINE) as i32;
            let line = vec![(4, y), (SAMPLE, y)];
            area.draw(&PathElement::new(line, color.stroke_width(4)))?;
            let name = fitted(&series.name, width - SAMPLE as u32 - 20);
            area.draw_text(&name, &style, (SAMPLE + 8, y))?;
        }
        Ok(())
    }
}

fn finite_points(series: &Series) -> impl Iterator<Item = (f64, f64)> {
    let points = series.points.iter().copied();
    points.filter(|(x, y)| x.is_finite() && y.is_finite())
}

/// The range of some values with a little room, or a range around the only one.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    values.for_each(|value| (low, high) = (low.min(value), high.max(value)));
    let least = low.abs().max(high.abs()).max(1e-300) * 1e-9;
    let room = match high - low < least {
        true if low == 0.0 => 0.5,
        true => low.abs() * 0.05,
        false => (high - low) * 0.04,
    };
    // Half of the largest number leaves room for differences.
    let limit = f64::MAX / 4.0;
    ((low - room).max(-limit), (high + room).min(limit))
}

/// A label with as many decimals as neighboring ticks need.
fn tick(value: f64, (low, high): (f64, f64)) -> String {
    let step = (high - low) / 10.0;
    let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
    match (1e-5..1e6).contains(&step) && value.abs() < 1e7 {
        // Adding 0 turns -0 into 0.
        true => format!("{:.decimals$}", value + 0.0),
        false => format!("{value:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest box around the pixels of a color: left, top, right, bottom.
    fn extent(picture: &Picture, RGBColor(r, g, b): RGBColor) -> (u32, u32, u32, u32) {
        let pixels = picture.image.enumerate_pixels();
        let inked = pixels.filter(|(x, _, pixel)| pixel.0 == [r, g, b] && *x < WIDTH * 3 / 5);
        inked.fold((WIDTH, HEIGHT, 0, 0), |(l, t, r, b), (x, y, _)| {
            (l.min(x), t.min(y), r.max(x), b.max(y))
        })
    }

    #[test]
    fn curves_go_where_their_points_are() {
        let points = vec![(0.0, 0.0), (10.0, 10.0), (f64::NAN, 1.0)];
        let plot = Plot::new("t", "x", "y").line("rising", points.clone());
        let plot = plot.points(
            "a name that takes room in the legend, much more than is there",
            Vec::new(),
        );
        let picture = plot.draw().unwrap();
        let (left, top, right, bottom) = extent(&picture, COLORS[0]);
        assert!(right - left > WIDTH / 3 && bottom - top > HEIGHT / 2);
        let near = |x: u32, y: u32| {
            let at = |x, y| picture.image.get_pixel(x, y).0 == [0, 114, 178];
            (x.saturating_sub(9)..x + 9).any(|x| (y.saturating_sub(9)..y + 9).any(|y| at(x, y)))
        };
        assert!(near(left, bottom) && near(right, top), "it rises");
        assert!(!near(left, top) && !near(right, bottom));
    }

    #[test]
    fn ranges_hold_their_values() {
        assert_eq!(range([0.0, 100.0].into_iter()), (-4.0, 104.0));
        assert_eq!(range([0.0].into_iter()), (-0.5, 0.5));
        assert_eq!(range([20.0].into_iter()), (19.0, 21.0));
        let (low, high) = range([-1e308, 1e308].into_iter());
        assert!((high - low).is_finite());
        assert_eq!(tick(20.0, (19.0, 26.0)), "20.0");
        assert_eq!(tick(-0.0, (-1.0, 100.0)), "0");
        assert_eq!(tick(2e9, (0.0, 1e10)), "2.0e9");
    }

    #[test]
    fn extreme_points_are_drawn() {
        for points in [
            vec![(0.0, 1e308), (1.0, -1e308)],
            vec![(5.0, 5.0)],
            vec![(0.0, 1e-300), (1.0, 2e-300)],
        ] {
            let plot = Plot::new("a\nb", "", "").line("", points);
            let (left, top, right, bottom) = extent(&plot.draw().unwrap(), COLORS[0]);
            assert!(right > left + 4 && bottom > top + 4, "{plot:?}");
        }
    }

    #[test]
    fn errors() {
        let plot = Plot::new("empty", "x", "y").line("a", vec![(0.0, f64::NAN)]);
        let text = plot.draw().unwrap_err().to_string();
        assert_eq!(
            text,
            "figure \"empty\": the plot is without a finite point, wanted at least one"
        );
    }
}
