//! Players as data: how one fetches, buffers and plays, and what its viewers mind.

use serde::{Deserialize, Serialize};

use crate::video::{Kbps, Video};
use crate::{Error, built_in};

/// A player and its network path.
///
/// The presets [`Player::p1`] and [`Player::p2`] are the protocols that published figures use; any
/// other is a TOML file with these keys, of which each may be left out.
///
/// ```
/// use nervure_abr::Player;
///
/// let player = Player::from_toml("mine.toml", "name = 'mine'\nrtt_ms = 20.0\nbuffer_cap_ms = 30000.0")?;
/// assert_eq!(player.rtt_ms, 20.0);
/// assert_eq!(player.payload_share, Player::p1().payload_share);
/// assert!(Player::from_toml("bad.toml", "rtt_ms = -1.0").is_err());
/// # Ok::<(), nervure_abr::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Player {
    /// What it is called.
    pub name: String,
    /// The video that it plays where none is named.
    pub video: String,
    /// What the video's levels count as, where that is not what the video says.
    pub ladder_kbps: Option<Vec<Kbps>>,
    /// How many chunks it plays, where those are not all.
    pub chunks: Option<usize>,
    /// The share of the link's bytes that are the video's.
    pub payload_share: f64,
    /// What each chunk waits for besides its bytes.
    pub rtt_ms: f64,
    /// Above this much video the player waits.
    pub buffer_cap_ms: f64,
    /// How long it waits at least, and in multiples of what.
    pub drain_ms: f64,
    /// The level of the first chunk.
    pub first_level: usize,
    /// What a second of stalling costs, in Mbit/s.
    pub rebuffer_penalty: f64,
    /// What a change by 1 Mbit/s costs, in Mbit/s.
    pub switch_penalty: f64,
    /// Delays are multiplied by a random number at most this far from 1.
    pub noise: f64,
    /// Sessions begin anywhere in the trace, not at its start.
    pub random_start: bool,
    /// The trace begins again at 0 s, as in Pensieve's simulator, and not at its first row. The two
    /// differ for traces that begin later.
    pub loop_from_zero: bool,
    /// For a live stream.
    pub live: Option<Live>,
}

/// What is different for a live stream: chunks come into being as time goes on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// How far behind the live edge the first chunk begins.
    pub start_latency_ms: f64,
    /// How far behind a player wants to be.
    pub target_latency_ms: f64,
    /// By which share it plays faster while it is further behind than that.
    pub catch_up: f64,
}

impl Default for Player {
    fn default() -> Player {
        Player {
            name: "player".into(),
            video: "envivio".into(),
            ladder_kbps: None,
            chunks: None,
            payload_share: 0.95,
            rtt_ms: 80.0,
            buffer_cap_ms: 60_000.0,
            drain_ms: 500.0,
            first_level: 1,
            rebuffer_penalty: 4.3,
            switch_penalty: 1.0,
            noise: 0.0,
            random_start: false,
            loop_from_zero: false,
            live: None,
        }
    }
}

impl Player {
    /// Protocol P1: Pensieve's fixed test, 48 chunks of 4 s up to 4.3 Mbit/s.
    #[must_use]
    pub fn p1() -> Player {
        Player {
            name: "P1".into(),
            chunks: Some(48),
            loop_from_zero: true,
            ..Player::default()
        }
    }

    /// Protocol P2, for 4G and 5G: 199 segments of 3 s up to 40 Mbit/s. The top level counts as 40
    /// Mbit/s, as published figures have it; its segments have 35 in the mean.
    #[must_use]
    pub fn p2() -> Player {
        Player {
            name: "P2".into(),
            video: "bbb4k".into(),
            ladder_kbps: Some([1000, 2500, 5000, 8000, 16_000, 40_000].map(Kbps).into()),
            rebuffer_penalty: 40.0,
            loop_from_zero: true,
            ..Player::default()
        }
    }

    /// A preset by name, in either case, or a player from a file.
    ///
    /// # Errors
    /// When the name is no preset's and no file's, or the file is no player.
    pub fn find(name: &str) -> Result<Player, Error> {
        match name.to_ascii_uppercase().as_str() {
            "P1" => return Ok(Player::p1()),
            "P2" => return Ok(Player::p2()),
            _ => {}
        }
        let text = built_in::file(name)?.ok_or_else(|| Error::Unknown {
            kind: "protocol",
            name: name.into(),
            known: "P1, P2 and files".into(),
        })?;
        Player::from_toml(name, &text)
    }

    /// A player from TOML.
    ///
    /// # Errors
    /// When the text is no TOML, has keys that are not known, or values that cannot be.
    pub fn from_toml(file: &str, text: &str) -> Result<Player, Error> {
        let player: Player =
            toml::from_str(text).map_err(|error| Error::setting(file, error.to_string()))?;
        player.check(file)?;
        Ok(player)
    }

    fn check(&self, file: &str) -> Result<(), Error> {
        let bad =
            |key: &str, value: f64| Err(Error::setting(file, format!("{key} = {value} cannot be")));
        let within = |value: f64, low: f64, high: f64| (low..=high).contains(&value);
        let bounds = [
            ("payload_share", self.payload_share, 0.01, 1.0),
            ("rtt_ms", self.rtt_ms, 0.0, 60_000.0),
            ("buffer_cap_ms", self.buffer_cap_ms, 100.0, 1e7),
            ("drain_ms", self.drain_ms, 1.0, 60_000.0),
            ("rebuffer_penalty", self.rebuffer_penalty, 0.0, 1e6),
            ("switch_penalty", self.switch_penalty, 0.0, 1e6),
            ("noise", self.noise, 0.0, 0.99),
        ];
        for (key, value, low, high) in bounds {
            if !within(value, low, high) {
                return bad(key, value);
            }
        }
        if let Some(live) = self.live {
            if !within(live.start_latency_ms, 0.0, 1e7) {
                return bad("live.start_latency_ms", live.start_latency_ms);
            }
            if !within(live.target_latency_ms, 0.0, 1e7) {
                return bad("live.target_latency_ms", live.target_latency_ms);
            }
            if !within(live.catch_up, 0.0, 1.0) {
                return bad("live.catch_up", live.catch_up);
            }
        }
        Ok(())
    }

    /// What the levels of a video count as for this player, and how many chunks it plays.
    ///
    /// # Errors
    /// When the player does not fit the video.
    pub fn fit(&self, video: &Video) -> Result<(Vec<Kbps>, usize), Error> {
        self.check(&self.name)?;
        let ladder = self.ladder_kbps.clone();
        let ladder = ladder.unwrap_or_else(|| video.ladder().to_vec());
        let misfit = |reason: String| Err(Error::setting(&self.name, reason));
        if ladder.len() != video.levels() {
            return misfit(format!(
                "a ladder of {} rates, and {} has {}",
                ladder.len(),
                video.name(),
                video.levels()
            ));
        }
        if ladder.windows(2).any(|pair| pair[1] <= pair[0]) {
            return misfit("its ladder does not rise".into());
        }
        if self.first_level >= video.levels() {
            return misfit(format!("no level {} in {}", self.first_level, video.name()));
        }
        let chunks = self.chunks.unwrap_or(video.chunks());
        if chunks < 2 || chunks > video.chunks() {
            return misfit(format!(
                "{chunks} chunks to play, and {} has {}",
                video.name(),
                video.chunks()
            ));
        }
        Ok((ladder, chunks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_fit_their_videos_and_others_are_refused() {
        for player in [Player::p1(), Player::p2()] {
            let video = Video::named(&player.video).unwrap();
            let (ladder, chunks) = player.fit(&video).unwrap();
            assert_eq!(ladder.len(), 6);
            assert!(chunks == 48 || chunks == 199);
        }
        let told = |player: Player, video: &str| {
            let video = Video::named(video).unwrap();
            player.fit(&video).unwrap_err().to_string()
        };
        assert!(told(Player::p2(), "bbb").contains("a ladder of 6 rates, and bbb has 10"));
        let late = Player {
            first_level: 6,
            ..Player::p1()
        };
        assert!(told(late, "envivio").contains("no level 6"));
        let long = Player {
            chunks: Some(50),
            ..Player::p1()
        };
        assert!(told(long, "envivio").contains("50 chunks to play"));
    }

    #[test]
    fn unknown_keys_and_impossible_values_are_named() {
        let told = |text: &str| Player::from_toml("p.toml", text).unwrap_err().to_string();
        assert!(told("buffer = 3").contains("unknown field `buffer`"));
        assert!(told("noise = 2.0").contains("noise = 2 cannot be"));
        assert!(told("payload_share = nan").contains("payload_share = NaN"));
        let live = "[live]\nstart_latency_ms = 8000\ntarget_latency_ms = 4000\ncatch_up = 3";
        assert!(told(live).contains("live.catch_up = 3"));
        assert!(
            Player::find("P3")
                .unwrap_err()
                .to_string()
                .contains("P1, P2")
        );
        assert_eq!(Player::find("p2").unwrap(), Player::p2());
    }
}
