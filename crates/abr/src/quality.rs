//! Quality tables: how good each rung of a ladder looks, without enhancement and in each tier of it.
//!
//! A table is a TOML file that says what was measured, on what and by whom. `nervure abr ladder` makes
//! one; [`QualityTable::terms`] is what sessions are then scored by.

use serde::{Deserialize, Serialize};

use crate::energy::Basis;
use crate::qoe::Terms;
use crate::video::{Kbps, ladder_text};
use crate::{Error, built_in};

/// What the numbers of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// VMAF without what it gives for sharpening, 0 to 100.
    VmafNeg,
    /// VMAF, 0 to 100.
    Vmaf,
    /// PSNR of luma in dB.
    Psnr,
}

impl Metric {
    /// The value that counts as no quality at all.
    fn zero(self) -> f64 {
        match self {
            Metric::VmafNeg | Metric::Vmaf => 0.0,
            Metric::Psnr => 20.0,
        }
    }

    /// What one point of QoE is: the best is worth about 5, as rates of some Mbit/s are in `QoE_lin`.
    fn units_per_point(self) -> f64 {
        match self {
            Metric::VmafNeg | Metric::Vmaf => 20.0,
            Metric::Psnr => 5.0,
        }
    }
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Metric::VmafNeg => "VMAF-NEG",
            Metric::Vmaf => "VMAF",
            Metric::Psnr => "PSNR",
        })
    }
}

/// One rate of the ladder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// What it counts as.
    pub kbps: Kbps,
    /// Its pictures.
    pub width: usize,
    /// Their rows.
    pub height: usize,
    /// Its quality in each tier, in the metric's own units.
    pub quality: Vec<f64>,
    /// What it weighed where it was measured. For information.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_kbps: Option<f64>,
    /// How many frames each tier made in a second there. For information: what a device can do, the
    /// device says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames_per_s: Option<Vec<f64>>,
}

/// On what a table was measured. For information.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Which program did it.
    pub tool: String,
    /// How rungs were coded.
    pub encoder: String,
    /// How pictures got the size of the video.
    pub method: String,
    /// Threads that enhanced.
    pub threads: usize,
    /// The videos, each with its own numbers; the table has their means.
    #[serde(default)]
    pub videos: Vec<MeasuredVideo>,
}

/// One of the videos that a table is the mean of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredVideo {
    /// What it is called.
    pub name: String,
    /// Luma samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Frames that were scored.
    pub frames: u64,
    /// What each rung weighed.
    pub kbps: Vec<f64>,
    /// Its quality, rung by rung in each tier.
    pub quality: Vec<Vec<f64>>,
}

/// How good each rung looks in each tier, as a TOML file says it.
///
/// ```
/// use nervure_abr::quality::QualityTable;
/// use nervure_abr::video::Kbps;
///
/// let table = QualityTable::named("bones-generic")?;
/// let terms = table.terms("a video", &[Kbps(398), Kbps(802), Kbps(1203)])?;
/// // VMAF 39.3 without enhancement and 46.5 with it; 20 are a point.
/// assert_eq!(terms.quality(0, 0), 39.3 / 20.0);
/// assert_eq!(terms.quality(0, 1), 46.5 / 20.0);
/// // A second of stalling costs what the best chunk without enhancement is worth.
/// assert_eq!(terms.rebuffer, 76.8 / 20.0);
/// # Ok::<(), nervure_abr::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualityTable {
    /// The version of the file's form.
    pub schema: u32,
    /// What it is called.
    pub name: String,
    /// What its numbers are.
    pub metric: Metric,
    /// The tiers of enhancement, the first of which is `none`.
    pub tiers: Vec<String>,
    /// Whether the numbers were measured.
    pub basis: Basis,
    /// By whom and on what.
    pub source: String,
    /// The value that counts as no quality: 0 of VMAF and 20 dB of PSNR where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero: Option<f64>,
    /// How many units of the metric are one point of QoE: 20 of VMAF and 5 dB where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units_per_point: Option<f64>,
    /// What a second of stalling costs, in points: the quality of the top rung without enhancement where
    /// nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuffer_penalty: Option<f64>,
    /// What a change of quality by a point costs: 1 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch_penalty: Option<f64>,
    /// What a joule costs where energy counts fully, in points: a fiftieth of a second of stalling where
    /// nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joule_penalty: Option<f64>,
    /// The ladder, the lowest rate first.
    pub rungs: Vec<Rung>,
    /// On what it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
}

/// The newest form of the file that is understood.
pub const SCHEMA: u32 = 1;

/// The name of the first tier: no enhancement.
pub const NONE: &str = "none";

/// The tables that come with the crate, by name.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("nervure", include_str!("../data/quality-nervure.toml")),
    (
        "bones-plain",
        include_str!("../data/quality-bones-plain.toml"),
    ),
    (
        "bones-content-aware",
        include_str!("../data/quality-bones-content-aware.toml"),
    ),
    (
        "bones-generic",
        include_str!("../data/quality-bones-generic.toml"),
    ),
];

/// What is read first: a file of a later form may have keys that mean nothing here.
#[derive(Deserialize)]
struct Version {
    schema: Option<u32>,
}

impl QualityTable {
    /// A table that comes with the crate, see [`BUILT_IN`], or one from a TOML file.
    ///
    /// # Errors
    /// When there is no such table, or the file holds none.
    pub fn find(name: &str) -> Result<QualityTable, Error> {
        match built_in::file(name)? {
            Some(text) => QualityTable::from_toml(name, &text),
            None => QualityTable::named(name),
        }
    }

    /// A table that comes with the crate.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn named(name: &str) -> Result<QualityTable, Error> {
        let text = built_in::text("quality table", name, &BUILT_IN)?;
        QualityTable::from_toml(name, text)
    }

    /// A table from TOML.
    ///
    /// # Errors
    /// Names `file` when the text is no TOML, is of a later form, or has numbers that cannot be.
    pub fn from_toml(file: &str, text: &str) -> Result<QualityTable, Error> {
        let wrong = |reason: String| Error::quality(file, reason);
        let version: Version = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        match version.schema {
            None => return Err(wrong("no `schema`: this is no quality table".into())),
            Some(schema) if schema == 0 || schema > SCHEMA => {
                return Err(wrong(format!(
                    "schema {schema}, and this nervure understands {SCHEMA}"
                )));
            }
            Some(_) => {}
        }
        let table: QualityTable = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        table.check().map_err(wrong)?;
        Ok(table)
    }

    /// The table as TOML.
    ///
    /// # Errors
    /// When it is none that could be read again.
    pub fn to_toml(&self) -> Result<String, Error> {
        let wrong = |reason: String| Error::quality(&self.name, reason);
        self.check().map_err(wrong)?;
        toml::to_string(self).map_err(|error| wrong(error.to_string()))
    }

    fn check(&self) -> Result<(), String> {
        if self.tiers.first().is_none_or(|tier| tier != NONE) {
            return Err(format!("the first of `tiers` is {NONE:?}"));
        }
        for (at, tier) in self.tiers.iter().enumerate() {
            if tier.is_empty() || tier.contains(['+', ',']) || self.tiers[..at].contains(tier) {
                return Err(format!("{tier:?} is no name of a tier, or is there twice"));
            }
        }
        let ladder = self.ladder();
        if ladder.is_empty() || ladder.len() > 32 {
            return Err(format!("{} rungs, not 1 to 32", ladder.len()));
        }
        if ladder[0].0 == 0 || ladder.windows(2).any(|pair| pair[1] <= pair[0]) {
            return Err(format!("the ladder {} does not rise", ladder_text(&ladder)));
        }
        let tiers = self.tiers.len();
        for rung in &self.rungs {
            let named = |what: &str| format!("the rung of {} kbit/s has {what}", rung.kbps);
            let numbers = |what: &str, count: usize| {
                named(&format!(
                    "{count} {what}, and there are {tiers} tiers with {NONE:?}"
                ))
            };
            if rung.width == 0 || rung.height == 0 {
                return Err(named("pictures of no size"));
            }
            if rung.quality.len() != tiers {
                return Err(numbers("qualities", rung.quality.len()));
            }
            if let Some(odd) = rung.quality.iter().find(|it| !(0.0..=100.0).contains(*it)) {
                return Err(named(&format!("a quality of {odd}, not 0 to 100")));
            }
            let rates = rung.frames_per_s.iter().flatten();
            if rates.clone().count() != tiers && rung.frames_per_s.is_some() {
                return Err(numbers("frames_per_s", rates.count()));
            }
            if let Some(odd) = rates.chain(&rung.measured_kbps).find(|it| !sound(**it)) {
                return Err(named(&format!("a rate of {odd}")));
            }
        }
        let bad = |key: &str, value: f64| Err(format!("{key} = {value} cannot be"));
        if let Some(zero) = self.zero.filter(|it| !it.is_finite()) {
            return bad("zero", zero);
        }
        if let Some(units) = self.units_per_point.filter(|it| !sound(*it) || *it == 0.0) {
            return bad("units_per_point", units);
        }
        for (key, penalty) in [
            ("rebuffer_penalty", self.rebuffer_penalty),
            ("switch_penalty", self.switch_penalty),
            ("joule_penalty", self.joule_penalty),
        ] {
            if let Some(penalty) = penalty.filter(|it| !sound(*it)) {
                return bad(key, penalty);
            }
        }
        Ok(())
    }

    /// Its rates, the lowest first.
    #[must_use]
    pub fn ladder(&self) -> Vec<Kbps> {
        self.rungs.iter().map(|rung| rung.kbps).collect()
    }

    /// A value of the metric in points of QoE.
    #[must_use]
    pub fn points(&self, value: f64) -> f64 {
        let zero = self.zero.unwrap_or(self.metric.zero());
        let units = self
            .units_per_point
            .unwrap_or(self.metric.units_per_point());
        (value - zero) / units
    }

    /// What sessions of a video are scored by.
    ///
    /// # Errors
    /// When the video has another ladder.
    pub fn terms(&self, video: &str, ladder: &[Kbps]) -> Result<Terms, Error> {
        if ladder != self.ladder() {
            return Err(Error::OtherRungs {
                table: self.name.clone(),
                rungs: ladder_text(&self.ladder()),
                video: video.into(),
                found: ladder_text(ladder),
            });
        }
        let points = |rung: &Rung| rung.quality.iter().map(|it| self.points(*it)).collect();
        let rows: Vec<Vec<f64>> = self.rungs.iter().map(points).collect();
        // Below the metric's zero a stall would be a gain.
        let top = rows.iter().map(|row| row[0]).fold(0.0, f64::max);
        let mut terms = Terms::table(
            &rows,
            self.rebuffer_penalty.unwrap_or(top),
            self.switch_penalty.unwrap_or(1.0),
        )?;
        terms.joule = self.joule_penalty.unwrap_or(terms.joule);
        Ok(terms)
    }

    /// The rate at which the video without enhancement looks this good, on straight lines between the
    /// rungs over the logarithm of their rates. None where no rung is as bad or as good.
    #[must_use]
    pub fn plain_kbps(&self, quality: f64) -> Option<f64> {
        let at = |rung: &Rung| (f64::from(rung.kbps.0).ln(), rung.quality[0]);
        self.rungs.windows(2).find_map(|pair| {
            let ((low, worse), (high, better)) = (at(&pair[0]), at(&pair[1]));
            let within = worse <= quality && quality <= better && worse < better;
            within.then(|| (low + (high - low) * (quality - worse) / (better - worse)).exp())
        })
    }

    /// Which share of the rate a tier saves at a rung, beside the rate that the same quality takes
    /// without enhancement. Below nothing where it looks worse than without; none where the quality is
    /// that of no rate on the ladder.
    #[must_use]
    pub fn saved(&self, level: usize, tier: usize) -> Option<f64> {
        let rung = self.rungs.get(level)?;
        let plain = self.plain_kbps(*rung.quality.get(tier)?)?;
        Some(1.0 - f64::from(rung.kbps.0) / plain)
    }
}

fn sound(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
schema = 1
name = "mine"
metric = "psnr"
tiers = ["none", "xs"]
basis = "measured"
source = "a test"
[[rungs]]
kbps = 300
width = 320
height = 180
quality = [30.0, 31.0]
[[rungs]]
kbps = 600
width = 640
height = 360
quality = [35.0, 35.5]
measured_kbps = 610.5
frames_per_s = [200.0, 90.0]
"#;

    fn told(text: &str) -> String {
        QualityTable::from_toml("q.toml", text)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_table_becomes_terms_and_comes_back_as_it_was() {
        let table = QualityTable::from_toml("q.toml", GOOD).unwrap();
        let again = QualityTable::from_toml("again", &table.to_toml().unwrap()).unwrap();
        assert_eq!(table, again);
        let terms = table.terms("v", &[Kbps(300), Kbps(600)]).unwrap();
        assert_eq!((terms.levels(), terms.tiers()), (2, 2));
        assert!((terms.quality(0, 1) - 2.2).abs() < 1e-12, "31 dB, from 20");
        assert_eq!((terms.rebuffer, terms.switch), (3.0, 1.0));
        assert_eq!(terms.joule, 3.0 / 50.0);
        let keys = "zero = 30.0\nunits_per_point = 1.0\nrebuffer_penalty = 9.0\nswitch_penalty = 0.5\n\
             joule_penalty = 0.25";
        let other = GOOD.replacen("[[rungs]]", &format!("{keys}\n[[rungs]]"), 1);
        let table = QualityTable::from_toml("q.toml", &other).unwrap();
        let terms = table.terms("v", &[Kbps(300), Kbps(600)]).unwrap();
        assert_eq!((terms.quality(1, 0), terms.quality(0, 0)), (5.0, 0.0));
        assert_eq!(
            (terms.rebuffer, terms.switch, terms.joule),
            (9.0, 0.5, 0.25)
        );
    }

    #[test]
    fn a_video_of_another_ladder_is_refused_and_both_are_named() {
        let table = QualityTable::from_toml("q.toml", GOOD).unwrap();
        for ladder in [&[Kbps(300)][..], &[Kbps(300), Kbps(700)]] {
            let error = table.terms("film", ladder).unwrap_err();
            let told = error.to_string();
            assert!(told.contains("mine") && told.contains("300/600"), "{told}");
            assert!(told.contains(&format!("film has {}", ladder_text(ladder))));
            assert!(error.hint().unwrap().contains("nervure abr ladder"));
        }
    }

    #[test]
    fn what_is_no_table_is_refused_by_the_name_of_its_file() {
        let cases = [
            (
                "schema = 1",
                "schema = 2",
                "schema 2, and this nervure understands 1",
            ),
            ("schema = 1", "", "no `schema`"),
            (
                "kbps = 600",
                "kbps = 300",
                "the ladder 300/300 does not rise",
            ),
            (
                "[30.0, 31.0]",
                "[30.0]",
                "300 kbit/s has 1 qualities, and there are 2 tiers",
            ),
            ("[30.0, 31.0]", "[30.0, nan]", "a quality of NaN"),
            (
                "[30.0, 31.0]",
                "[30.0, 131.0]",
                "a quality of 131, not 0 to 100",
            ),
            ("[200.0, 90.0]", "[200.0]", "1 frames_per_s"),
            ("[200.0, 90.0]", "[200.0, inf]", "a rate of inf"),
            (
                "\"none\", \"xs\"",
                "\"xs\", \"none\"",
                "the first of `tiers`",
            ),
            ("\"none\", \"xs\"", "\"none\", \"none\"", "there twice"),
            ("width = 320", "width = 0", "pictures of no size"),
            ("\"psnr\"", "\"taste\"", "unknown variant `taste`"),
            (
                "name = \"mine\"",
                "switch_penalty = -1.0\nname = \"mine\"",
                "switch_penalty = -1",
            ),
            (
                "name = \"mine\"",
                "units_per_point = 0.0\nname = \"mine\"",
                "units_per_point = 0",
            ),
            (
                "name = \"mine\"",
                "colour = 1\nname = \"mine\"",
                "unknown field `colour`",
            ),
        ];
        for (from, to, wanted) in cases {
            let told = told(&GOOD.replacen(from, to, 1));
            assert!(
                told.starts_with("q.toml: ") && told.contains(wanted),
                "{told}"
            );
        }
        assert!(told("{\"json\": 1}").starts_with("q.toml: "));
        let none = &GOOD[..GOOD.find("[[rungs]]").unwrap()];
        assert!(told(&format!("{none}rungs = []")).contains("0 rungs"));
        let unknown = QualityTable::find("nothing.toml").unwrap_err().to_string();
        assert!(unknown.contains("bones-generic"), "{unknown}");
    }

    #[test]
    fn what_a_tier_saves_is_read_off_the_line_without_enhancement() {
        let table = QualityTable::from_toml("q.toml", GOOD).unwrap();
        // 31 dB are a fifth of the way from 300 to 600 kbit/s, in doublings.
        let rate = 300.0 * 2f64.powf(0.2);
        assert!((table.plain_kbps(31.0).unwrap() - rate).abs() < 1e-9);
        assert!((table.saved(0, 1).unwrap() - (1.0 - 300.0 / rate)).abs() < 1e-12);
        assert_eq!(table.saved(1, 1), None, "no rung is as good");
        assert!(table.saved(0, 0).unwrap().abs() < 1e-12);
    }

    #[test]
    fn tables_that_come_with_the_crate_say_where_they_come_from() {
        for (name, _) in BUILT_IN {
            let table = QualityTable::named(name).unwrap();
            assert_eq!(table.name, name);
            assert!(table.source.len() > 20, "{name}");
            let plain: Vec<f64> = table.rungs.iter().map(|rung| rung.quality[0]).collect();
            assert!(plain.is_sorted(), "{name}: {plain:?}");
        }
        // What a generic model gains is far from what one made for the video does.
        let gain = |name: &str| {
            let table = QualityTable::named(name).unwrap();
            let gains = table
                .rungs
                .iter()
                .map(|rung| rung.quality[1] - rung.quality[0]);
            gains.sum::<f64>()
        };
        assert!(gain("bones-generic") < 0.5 * gain("bones-content-aware"));
    }
}
