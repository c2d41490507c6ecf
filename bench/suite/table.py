"""The measurements, in the order of the table. Each is a function that takes a Bench and returns lines. To add one, write a
function in a measure_*.py and add its name here."""

from .measure_diff import diff_lines
from .measure_growth import growth_lines
from .measure_http import http_lines
from .measure_pipeline import one_row_lines, pipeline_lines
from .measure_programs import lake_lines
from .measure_publish import publish_lines
from .measure_upload import small_uploads_lines, upload_lines

MEASUREMENTS = {
    "diff": diff_lines,
    "upload": upload_lines,
    "small_uploads": small_uploads_lines,
    "http": http_lines,
    "publish": publish_lines,
    "pipeline": pipeline_lines,
    "one_row": one_row_lines,
    "lake": lake_lines,
    "growth": growth_lines,
}
