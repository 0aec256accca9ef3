"""Makes events.hex: an event file of one scalar summary, written by TensorBoard's own code.

    pip install tensorboard && python events.py | fold -w 80 > events.hex
"""

import io

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

out = io.BytesIO()
writer = RecordWriter(out)
values = [
    Summary.Value(tag="loss", simple_value=0.5),
    Summary.Value(tag="error", simple_value=12.25),
]
for event in [
    Event(wall_time=1.5, file_version="brain.Event:2"),
    Event(wall_time=2.5, step=300, summary=Summary(value=values)),
]:
    writer.write(event.SerializeToString())
print(out.getvalue().hex())
