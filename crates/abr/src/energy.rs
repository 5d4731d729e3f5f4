//! Energy: what a device draws while it streams, decodes, enhances and shows.

use serde::{Deserialize, Serialize};

use crate::{Delivery, Error, built_in};

/// Where a number comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Somebody measured it: the source says who.
    Measured,
    /// A guess that stands in until somebody measures it.
    Assumed,
}

/// What a radio draws while it receives: a line over its rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Radio {
    /// Which network.
    pub name: String,
    /// What it draws for being awake.
    pub awake_mw: f64,
    /// What each Mbit/s adds.
    pub mw_per_mbps: f64,
    /// Whether that was measured.
    pub basis: Basis,
    /// By whom, or why it is assumed.
    pub source: String,
}

/// A size of model that the device can enhance with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Which.
    pub name: String,
    /// How many frames of each level it makes in a second, the lowest level first. Where there are
    /// fewer numbers than levels, the last holds for the rest.
    pub frames_per_s: Vec<f64>,
    /// What the device draws meanwhile, besides all else.
    pub mw: f64,
    /// Whether that was measured.
    pub basis: Basis,
    /// By whom, or why it is assumed.
    pub source: String,
}

/// A power that is there as long as something goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Power {
    /// How much.
    pub mw: f64,
    /// Whether that was measured.
    pub basis: Basis,
    /// By whom, or why it is assumed.
    pub source: String,
}

/// A device, as a TOML file says it.
///
/// ```
/// use nervure_abr::energy::{Basis, Device};
///
/// let device = Device::named("phone-lte")?;
/// assert_eq!(device.radio.basis, Basis::Measured);
/// assert_eq!(device.display.basis, Basis::Assumed);
/// # Ok::<(), nervure_abr::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// What it is called.
    pub name: String,
    /// What its battery holds.
    pub battery_j: f64,
    /// Frames in a second of the video.
    pub video_frames_per_s: f64,
    /// Its radio.
    pub radio: Radio,
    /// What decoding draws while video plays.
    pub decode: Power,
    /// What the display draws while video plays or stalls.
    pub display: Power,
    /// The models it can enhance with, the smallest first.
    #[serde(default)]
    pub tiers: Vec<Tier>,
}

/// The devices that come with the crate, by name.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("phone-lte", include_str!("../data/phone-lte.toml")),
    ("phone-5g-low", include_str!("../data/phone-5g-low.toml")),
    (
        "phone-5g-mmwave",
        include_str!("../data/phone-5g-mmwave.toml"),
    ),
    (
        "phone-lte-nervure",
        include_str!("../data/phone-lte-nervure.toml"),
    ),
];

impl Device {
    /// A device that comes with the crate, see [`BUILT_IN`], or one from a TOML file.
    ///
    /// # Errors
    /// When there is no such device, or the file holds none.
    pub fn find(name: &str) -> Result<Device, Error> {
        match built_in::file(name)? {
            Some(text) => Device::from_toml(name, &text),
            None => Device::named(name),
        }
    }

    /// A device that comes with the crate.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn named(name: &str) -> Result<Device, Error> {
        Device::from_toml(name, built_in::text("device", name, &BUILT_IN)?)
    }

    /// A device from TOML.
    ///
    /// # Errors
    /// When the text is no TOML, lacks keys, or has values that cannot be.
    pub fn from_toml(file: &str, text: &str) -> Result<Device, Error> {
        let device: Device =
            toml::from_str(text).map_err(|error| Error::setting(file, error.to_string()))?;
        let mut powers = vec![
            device.radio.awake_mw,
            device.radio.mw_per_mbps,
            device.decode.mw,
            device.display.mw,
        ];
        powers.extend(device.tiers.iter().map(|tier| tier.mw));
        if !powers.iter().all(|mw| mw.is_finite() && *mw >= 0.0) {
            return Err(Error::setting(file, "a power below nothing"));
        }
        let rates = device.tiers.iter().flat_map(|tier| &tier.frames_per_s);
        let some = device
            .tiers
            .iter()
            .all(|tier| !tier.frames_per_s.is_empty());
        if !some
            || !rates
                .chain([&device.video_frames_per_s])
                .all(|it| *it > 0.0)
        {
            return Err(Error::setting(file, "a rate of frames that is none"));
        }
        if device.battery_j.is_nan() || device.battery_j <= 0.0 {
            return Err(Error::setting(file, "a battery that holds nothing"));
        }
        Ok(device)
    }

    /// The device with these tiers of its own and no others, in this order. The first name is no
    /// enhancement.
    ///
    /// # Errors
    /// When it lacks one.
    pub fn with_tiers(&self, names: &[String]) -> Result<Device, Error> {
        let wanted = names.get(1..).unwrap_or_default();
        let find = |name: &String| self.tiers.iter().find(|tier| tier.name == *name).cloned();
        let tiers: Option<Vec<Tier>> = wanted.iter().map(find).collect();
        let words = |names: Vec<&str>| match names.is_empty() {
            true => "nothing".into(),
            false => names.join(", "),
        };
        let tiers = tiers.ok_or_else(|| Error::OtherTiers {
            device: self.name.clone(),
            has: words(self.tiers.iter().map(|tier| tier.name.as_str()).collect()),
            wants: words(wanted.iter().map(String::as_str).collect()),
        })?;
        Ok(Device {
            tiers,
            ..self.clone()
        })
    }

    /// How long enhancing so much video of a level takes in a tier; the first is none.
    #[must_use]
    pub fn work_ms(&self, video_ms: f64, level: usize, tier: usize) -> f64 {
        match tier.checked_sub(1).and_then(|at| self.tiers.get(at)) {
            Some(tier) => {
                let rate = tier.frames_per_s[level.min(tier.frames_per_s.len() - 1)];
                video_ms * self.video_frames_per_s / rate
            }
            None => 0.0,
        }
    }

    /// What it takes to fetch, decode and show a chunk. The display is lit until it has been played, and
    /// while nothing is played before it: a session that ends with a full buffer has not saved its light.
    #[must_use]
    pub fn joules(&self, it: &Delivery, chunk_ms: f64) -> f64 {
        let lit = self.display.mw * (chunk_ms + it.rebuffer_ms);
        self.fetch_joules(it.bytes, it.delay_ms) + (lit + self.decode.mw * chunk_ms) / 1e6
    }

    /// What its radio takes to fetch so much in so long.
    #[must_use]
    pub fn fetch_joules(&self, bytes: f64, delay_ms: f64) -> f64 {
        (self.radio.awake_mw * delay_ms + self.radio.mw_per_mbps * bytes * 8e-3) / 1e6
    }

    /// What it takes to enhance for so long in a tier.
    #[must_use]
    pub fn enhance_joules(&self, work_ms: f64, tier: usize) -> f64 {
        let tier = tier.checked_sub(1).and_then(|at| self.tiers.get(at));
        tier.map_or(0.0, |tier| tier.mw * work_ms / 1e6)
    }
}

/// A device at work: what it has still to enhance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Enhancer {
    /// How long it will take.
    pub backlog_ms: f64,
}

impl Enhancer {
    /// Whether a chunk could still be enhanced in time if it came at once: the last frame must be done
    /// when it is shown.
    #[must_use]
    pub fn may(
        &self,
        device: &Device,
        buffer_ms: f64,
        chunk_ms: f64,
        choice: (usize, usize),
    ) -> bool {
        let (level, tier) = choice;
        let work = device.work_ms(chunk_ms, level, tier);
        tier == 0 || self.backlog_ms + work <= buffer_ms + chunk_ms
    }

    /// Takes a chunk that has come. Gives the tier in which it will be shown, which is none where there
    /// is no time, and the energy of that.
    pub fn take(
        &mut self,
        device: &Device,
        it: &Delivery,
        chunk_ms: f64,
        tier: usize,
    ) -> (usize, f64) {
        self.backlog_ms = (self.backlog_ms - it.delay_ms - it.sleep_ms).max(0.0);
        if tier == 0 {
            return (0, 0.0);
        }
        let work = device.work_ms(chunk_ms, it.level, tier);
        // Behind it in the buffer is nothing: it ends when the buffer does.
        if self.backlog_ms + work > it.buffer_ms {
            return (0, 0.0);
        }
        self.backlog_ms += work;
        (tier, device.enhance_joules(work, tier))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(level: usize, buffer_ms: f64) -> Delivery {
        Delivery {
            chunk: 0,
            level,
            bytes: 1_000_000.0,
            delay_ms: 1000.0,
            sleep_ms: 500.0,
            rebuffer_ms: 0.0,
            buffer_ms,
            latency_ms: 0.0,
            last: false,
        }
    }

    #[test]
    fn joules_done_by_hand() {
        let mut device = Device::named("phone-lte").unwrap();
        (device.decode.mw, device.display.mw) = (200.0, 400.0);
        // 8 Mbit in 1 s: 2839 mW for 1 s and 11.54 mJ for each Mbit; 400 and 200 mW for 4 s.
        let joules = device.joules(&chunk(0, 8000.0), 4000.0);
        let by_hand = 2.839 + 0.09232 + 1.6 + 0.8;
        assert!((joules - by_hand).abs() < 1e-9, "{joules}");
        // The display is lit while nothing is played, too.
        let stalled = Delivery {
            rebuffer_ms: 500.0,
            ..chunk(0, 8000.0)
        };
        let joules = device.joules(&stalled, 4000.0);
        assert!((joules - by_hand - 0.2).abs() < 1e-9, "{joules}");
    }

    #[test]
    fn a_display_is_lit_for_all_that_is_played_however_early_it_came() {
        use crate::{Player, Simulator, Trace, Video};
        let mut device = Device::named("phone-lte").unwrap();
        (device.radio.awake_mw, device.radio.mw_per_mbps) = (0.0, 0.0);
        (device.decode.mw, device.display.mw) = (0.0, 1000.0);
        let video = Video::named("envivio").unwrap();
        let joules = |mbps: f64| {
            let trace = Trace::new("still", vec![0.0, 100.0], vec![mbps; 2]).unwrap();
            let simulator = Simulator::new(&trace, &video, &Player::p1()).unwrap();
            let mut state = simulator.begin(0);
            let (mut sum, mut stalls) = (0.0, 0.0);
            for _ in 0..48 {
                let it = simulator.step(&mut state, 0);
                sum += device.joules(&it, 4000.0);
                stalls += it.rebuffer_ms / 1e3;
            }
            sum - stalls
        };
        // 48 chunks of 4 s at 1 W, on a quick link as on a slow one.
        assert!((joules(50.0) - 192.0).abs() < 1e-9 && (joules(0.2) - 192.0).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_enhanced_in_time_is_shown_plain() {
        let device = Device::named("phone-lte").unwrap();
        let work = device.work_ms(4000.0, 0, 1);
        assert!(work > 0.0 && device.work_ms(4000.0, 0, 0) == 0.0);
        let mut enhancer = Enhancer::default();
        let (tier, joules) = enhancer.take(&device, &chunk(0, work + 1.0), 4000.0, 1);
        assert!(tier == 1 && joules > 0.0 && enhancer.backlog_ms == work);
        let (tier, joules) = enhancer.take(&device, &chunk(0, work - 1600.0), 4000.0, 1);
        assert_eq!((tier, joules), (0, 0.0));
        assert!((enhancer.backlog_ms - (work - 1500.0).max(0.0)).abs() < 1e-9);
        assert!(enhancer.may(&device, 1e6, 4000.0, (0, 1)));
        enhancer.backlog_ms = 1e7;
        assert!(!enhancer.may(&device, 1e6, 4000.0, (0, 1)));
        assert!(
            enhancer.may(&device, 0.0, 4000.0, (0, 0)),
            "nothing is always possible"
        );
    }

    #[test]
    fn a_device_is_cut_to_the_tiers_of_a_table_or_refused() {
        let device = Device::named("phone-lte").unwrap();
        let names = |names: &[&str]| names.iter().map(|it| (*it).into()).collect::<Vec<String>>();
        let high = device.with_tiers(&names(&["none", "high"])).unwrap();
        assert_eq!(high.tiers.len(), 1);
        assert_eq!(high.work_ms(4000.0, 0, 1), device.work_ms(4000.0, 0, 3));
        assert!(
            device
                .with_tiers(&names(&["none"]))
                .unwrap()
                .tiers
                .is_empty()
        );
        let error = device.with_tiers(&names(&["none", "xs", "m"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the device phone-lte enhances with low, medium, high, ultra, and the quality table is of xs, m"
        );
        assert!(error.hint().unwrap().contains("--device"));
    }

    #[test]
    fn devices_say_where_their_numbers_come_from() {
        for (name, _) in BUILT_IN {
            let device = Device::named(name).unwrap();
            assert_eq!(device.name, name);
            assert_eq!(device.radio.basis, Basis::Measured);
            assert!(device.radio.source.contains("SIGCOMM"));
            assert!(device.tiers.len() == 4, "{name}");
        }
        let told = |text: &str| Device::from_toml("d.toml", text).unwrap_err().to_string();
        assert!(told("name = 'x'").starts_with("d.toml: "));
        let text = include_str!("../data/phone-lte.toml").replace("2839", "-2839");
        assert!(told(&text).contains("a power below nothing"));
    }
}
