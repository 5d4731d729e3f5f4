//! Charts for every report: lines, bars and distributions, as PNG or SVG.
//!
//! A [`Chart`] is laid out once into lines, boxes and words, and those are either drawn with
//! `media::draw` or written as SVG, so that both files show the same picture.

mod layout;
mod output;
mod ticks;

use std::path::Path;

use anyhow::{Result, bail};

/// What the horizontal axis is.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// Numbers; every series is a line through its points.
    Lines,
    /// Numbers; every series is the share of its values at or below each.
    Distribution,
    /// These categories; every series has one bar in each.
    Bars(Vec<String>),
}

/// One named set of values.
#[derive(Clone, Debug, PartialEq)]
struct Series {
    name: String,
    /// For bars, `y` of the category whose index is `x`.
    points: Vec<(f64, f64)>,
}

/// A chart to be written as a picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chart {
    kind: Kind,
    title: String,
    subtitle: String,
    x_label: String,
    y_label: String,
    series: Vec<Series>,
    /// Levels marked across the chart.
    marks: Vec<(f64, String)>,
    from_zero: bool,
    size: (f32, f32),
}

impl Chart {
    /// A chart of lines.
    pub(crate) fn lines(title: impl Into<String>) -> Chart {
        Chart::new(Kind::Lines, title.into())
    }

    /// A chart of bars, side by side in each category.
    pub(crate) fn bars<T: Into<String>>(
        title: impl Into<String>,
        categories: impl IntoIterator<Item = T>,
    ) -> Chart {
        let categories = categories.into_iter().map(Into::into).collect();
        Chart {
            from_zero: true,
            ..Chart::new(Kind::Bars(categories), title.into())
        }
    }

    /// A chart of how values are distributed: at each value, the share at or below it.
    pub(crate) fn distribution(title: impl Into<String>) -> Chart {
        Chart {
            from_zero: true,
            y_label: "share at or below".into(),
            ..Chart::new(Kind::Distribution, title.into())
        }
    }

    fn new(kind: Kind, title: String) -> Chart {
        Chart {
            kind,
            title,
            subtitle: String::new(),
            x_label: String::new(),
            y_label: String::new(),
            series: Vec::new(),
            marks: Vec::new(),
            from_zero: false,
            size: (960.0, 480.0),
        }
    }

    /// A quieter line under the title.
    #[must_use]
    pub(crate) fn subtitle(mut self, subtitle: impl Into<String>) -> Chart {
        self.subtitle = subtitle.into();
        self
    }

    /// What the axes count.
    #[must_use]
    pub(crate) fn labels(mut self, x: impl Into<String>, y: impl Into<String>) -> Chart {
        self.x_label = x.into();
        self.y_label = y.into();
        self
    }

    /// A line through these points. Where a number is not finite the line is broken.
    #[must_use]
    pub(crate) fn line(
        mut self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Chart {
        self.series.push(Series {
            name: name.into(),
            points: points.into_iter().collect(),
        });
        self
    }

    /// One value for each category of a chart of bars.
    #[must_use]
    pub(crate) fn bar(
        self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = f64>,
    ) -> Chart {
        let values = values.into_iter().enumerate();
        self.line(name, values.map(|(index, value)| (index as f64, value)))
    }

    /// The values of one series of a distribution. Values that are not finite do not count.
    #[must_use]
    pub(crate) fn values(
        self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = f64>,
    ) -> Chart {
        let mut values: Vec<f64> = values
            .into_iter()
            .filter(|value| value.is_finite())
            .collect();
        values.sort_by(f64::total_cmp);
        let count = values.len() as f64;
        let mut points = Vec::with_capacity(2 * values.len() + 1);
        for (index, value) in values.iter().enumerate() {
            points.push((*value, index as f64 / count));
            points.push((*value, (index + 1) as f64 / count));
        }
        self.line(name, points)
    }

    /// A dashed line across the chart at a level worth knowing.
    #[must_use]
    pub(crate) fn mark(mut self, level: f64, label: impl Into<String>) -> Chart {
        self.marks.push((level, label.into()));
        self
    }

    /// Width and height; a PNG has twice as many pixels each way.
    #[must_use]
    pub(crate) fn size(mut self, width: u32, height: u32) -> Chart {
        self.size = (width.max(240) as f32, height.max(160) as f32);
        self
    }

    /// Writes the chart in the format that the path's ending names.
    ///
    /// # Errors
    /// When the ending is neither `.png` nor `.svg`, or the file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("png") => output::write_png(self, path),
            Some("svg") => output::write_svg(self, path),
            _ => bail!(
                "cannot draw a chart into {}: its name ends in neither .png nor .svg",
                path.display()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Chart {
        fn svg(&self) -> String {
            output::svg(self)
        }
    }

    fn sample() -> Chart {
        Chart::lines("Quality <over> time & space")
            .subtitle("a \"test\"")
            .labels("seconds", "PSNR, dB")
            .line(
                "enhanced",
                (0..50).map(|i| (f64::from(i), 30.0 + f64::from(i % 7))),
            )
            .line(
                "bilinear",
                (0..50).map(|i| (f64::from(i), 28.0 + f64::from(i % 5))),
            )
            .mark(31.0, "mean 31.0")
    }

    #[test]
    fn svg_is_escaped_and_holds_everything() {
        let svg = sample().svg();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("Quality &lt;over&gt; time &amp; space"));
        assert!(svg.contains("a &quot;test&quot;"));
        for word in ["enhanced", "bilinear", "seconds", "PSNR, dB", "mean 31.0"] {
            assert!(svg.contains(word), "{word}");
        }
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn a_line_breaks_where_there_is_no_number() {
        let points = [
            (0.0, 1.0),
            (1.0, 2.0),
            (2.0, f64::INFINITY),
            (3.0, 2.0),
            (4.0, 1.0),
        ];
        let svg = Chart::lines("gap").line("a", points).svg();
        assert_eq!(svg.matches("<polyline").count(), 2);
    }

    #[test]
    fn charts_without_values_are_still_charts() {
        for chart in [
            Chart::lines("nothing"),
            Chart::lines("one").line("a", [(3.0, 3.0)]),
            Chart::distribution("nothing").values("a", [f64::NAN]),
            Chart::bars("nothing", Vec::<String>::new()).bar("a", []),
            Chart::lines("flat").line("a", [(0.0, 5.0), (1.0, 5.0)]),
            Chart::lines("huge").line("a", [(0.0, -1e300), (1.0, 1e300)]),
        ] {
            let svg = chart.svg();
            assert!(
                !svg.contains("NaN") && !svg.contains("inf"),
                "{}",
                chart.title
            );
        }
        let dot = Chart::lines("one").line("a", [(3.0, 3.0)]).svg();
        assert_eq!(dot.matches("<circle").count(), 1);
    }

    #[test]
    fn bars_stand_on_zero_and_distributions_end_at_one() {
        let bars = Chart::bars("b", ["sports", "screen"])
            .bar("psnr", [30.0, -4.0])
            .bar("ssim", [12.0, 3.0])
            .svg();
        assert_eq!(
            bars.matches("class=\"bar\"").count(),
            4 + 2,
            "bars and legend"
        );
        let chart = Chart::distribution("d").values("a", [3.0, 1.0, 2.0, f64::NAN]);
        assert_eq!(chart.series[0].points.last(), Some(&(3.0, 1.0)));
        assert!(chart.svg().contains("100%"));
    }

    #[test]
    fn both_formats_are_written_and_others_refused() {
        let folder = tempfile::tempdir().unwrap();
        let svg = folder.path().join("chart.SVG");
        sample().write(&svg).unwrap();
        assert_eq!(std::fs::read_to_string(&svg).unwrap(), sample().svg());
        let file = folder.path().join("chart.png");
        sample().size(400, 240).write(&file).unwrap();
        let bytes = std::fs::read(&file).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!((reader.info().width, reader.info().height), (800, 480));
        let coloured = pixels
            .chunks_exact(3)
            .filter(|p| p[2] > p[0].saturating_add(100))
            .count();
        assert!(coloured > 500, "the first series is blue: {coloured}");
        let refused = sample()
            .write(&folder.path().join("chart.gif"))
            .unwrap_err();
        assert!(refused.to_string().contains("neither .png nor .svg"));
    }
}
