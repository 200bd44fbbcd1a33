"""Reports: one file, nothing from outside, the user's text shown as text, no peak lost."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from nrn_diff.report import Chart, Code, Curve, Fact, Facts, Section, Table, Text, render, write_report
from nrn_diff.report.chart import svg
from nrn_diff.report.ticks import linear_ticks, log_ticks, tick_label

HOSTILE = '<script>alert("x")</script> & \'"'


def everything(text):
    x = np.linspace(0, 200, 8001)
    chart = Chart([Curve(text, x, np.sin(x), "broad"), Curve(text, x, np.cos(x), "points")], text, text, text, text)
    return [
        Section(
            text,
            [Text(text), Code(text), Facts([Fact(text, text, text, good=True)]), Table([text], [[text]], text), chart],
        )
    ]


def points(curve, **options):
    """Pixel coordinates of the drawn path, one array for each uninterrupted run."""
    root = ET.fromstring(svg(Chart([curve], **options)))
    path = next(e.get("d") for e in root.iter("path"))
    return [np.array([p.split() for p in re.split("L", run)], float) for run in path.split("M")[1:]]


def test_text_of_the_user_is_escaped_everywhere():
    page = render(HOSTILE, everything(HOSTILE), HOSTILE)
    assert "<script" not in page
    assert 'alert("x")' not in page
    assert page.count("&lt;script&gt;") >= 12


def test_page_refers_to_nothing_outside_of_itself():
    page = render("title", everything("text"))
    assert not re.search(r"https?:|//[a-z]|\bsrc=|@import|url\(|<link|<script", page)


def test_page_is_well_formed():
    body = render(HOSTILE, everything(HOSTILE)).split("<body>")[1].split("</body>")[0]
    assert ET.fromstring(f"<body>{body}</body>").find("main") is not None


def test_report_appears_whole_or_not_at_all(tmp_path):
    path = write_report(tmp_path / "deep" / "report.html", "title", everything("text"))
    before = path.read_text()
    assert before.endswith("</html>\n")
    with pytest.raises(TypeError, match="cannot show int"):
        write_report(path, "title", [Section("s", [3])])
    assert path.read_text() == before
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]


def test_thinning_keeps_every_peak():
    x = np.linspace(0, 200, 400_001)
    y = np.zeros_like(x)
    y[[1000, 200_003, 399_000]] = [5.0, -7.0, 9.0]
    (drawn,) = points(Curve("v", x, y))
    assert len(drawn) < 8 * 860
    zero, levels = np.median(drawn[:, 1]), np.unique(drawn[:, 1])
    assert len(levels) == 4
    heights = zero - levels  # pixels grow downwards
    np.testing.assert_allclose(np.sort(heights) / heights.max(), np.array([-7, 0, 5, 9]) / 9, atol=1e-3)


def test_samples_that_are_not_finite_interrupt_the_line():
    y = np.array([0.0, 1.0, np.nan, 2.0, np.inf, 3.0, 4.0])
    assert [len(run) for run in points(Curve("v", np.arange(7.0), y))] == [2, 1, 2]


def test_logarithmic_axis_leaves_out_what_is_not_positive():
    runs = points(Curve("loss", np.arange(5.0), np.array([1.0, 0.1, 0.0, 0.01, 0.001])), log_y=True)
    assert [len(run) for run in runs] == [2, 2]
    heights = np.concatenate(runs)[:, 1]
    np.testing.assert_allclose(np.diff(heights), np.diff(heights)[0], atol=0.02)


def test_ticks_within_a_decade_and_at_whole_numbers():
    drawn = svg(Chart([Curve("loss", np.arange(4.0), np.array([50.5, 50.2, 50.0, 49.9]))], log_y=True))
    assert re.findall(r'text-anchor="(\w+)">([\d.]+)</text>', drawn) == [
        *[("middle", str(k)) for k in range(4)],
        *[("end", str(y)) for y in (40, 50, 60, 70, 80)],
    ]


def test_a_part_of_the_axis_shows_only_that_part():
    x = np.linspace(0, 100, 1001)
    (drawn,) = points(Curve("v", x, x), x_range=(20.0, 30.0))
    assert len(drawn) == 101
    assert np.ptp(drawn[:, 0]) > 700


@pytest.mark.parametrize("y", [np.zeros(3), np.full(3, np.nan), np.full(3, -4.2e9), np.array([1e-320, 0, 0])])
@pytest.mark.parametrize("log_y", [False, True])
def test_degenerate_data_still_make_a_chart(y, log_y):
    text = svg(Chart([Curve("v", np.arange(3.0), y)], log_y=log_y))
    assert "nan" not in text
    assert "inf" not in text


def test_curve_of_unequal_lengths_is_refused():
    with pytest.raises(ValueError, match=r"curve 'v': x \(3,\) and y \(4,\)"):
        Curve("v", np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match="style 'wavy'"):
        Curve("v", np.zeros(3), np.zeros(3), "wavy")


def test_ticks_are_round_and_inside():
    np.testing.assert_allclose(linear_ticks(-77.3, 31.0), [-60, -40, -20, 0, 20])
    np.testing.assert_allclose(log_ticks(2e-9, 5.0), [1e-8, 1e-6, 1e-4, 1e-2, 1.0])
    assert [tick_label(v, 20) for v in (-60, 0, 20)] == ["\N{MINUS SIGN}60", "0", "20"]
    assert tick_label(2e-9, 2e-9) == "2e\N{MINUS SIGN}9"
    assert tick_label(0.25, 0.05) == "0.25"
