use std::sync::Arc;

use super::ground::standard_error;
use super::*;
use crate::controller::Kind;
use crate::energy::Device;
use crate::qoe::Terms;
use crate::quality::QualityTable;
use crate::session::{Setting, play_all};
use crate::trace::{Markov, read_folder};
use crate::{Player, Simulator, Video};

fn config(folder: &Path) -> Config {
    let link = Markov::between(0.3, 5.0, 5);
    for (name, seeds) in [("train", 0..8), ("valid", 20..24)] {
        fs::create_dir_all(folder.join(name)).unwrap();
        for seed in seeds {
            let text = link.generate(seed, 200.0).unwrap().to_csv();
            fs::write(folder.join(name).join(format!("{seed}.csv")), text).unwrap();
        }
    }
    let text = format!(
        "name = 'tiny'\nprotocol = 'P1'\ntrain = ['{0}/train']\nvalid = ['{0}/valid']\n\
         steps = 4000\nrounds = 2\nlessons = 40\n[ppo]\nactors = 4\nhorizon = 128\nwidth = 32\nbatch = 128",
        folder.display()
    );
    Config::parse("tiny.toml", &text).unwrap()
}

#[test]
fn a_run_that_was_stopped_goes_on_as_if_it_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let whole = train(&config, &folder.path().join("a"), false, &mut |_| Go::On).unwrap();
    assert!(whole.finished && whole.trials.len() == 5);
    let first = &whole.trials[0];
    assert!(first.gains[0] > -1.0, "it imitates: {first:?}");
    let mut count = 0;
    let mut stop = |_: &Trial| {
        count += 1;
        if count == 3 { Go::Stop } else { Go::On }
    };
    let again = folder.path().join("b");
    assert!(!train(&config, &again, false, &mut stop).unwrap().finished);
    let resumed = train(&config, &again, true, &mut |_| Go::On).unwrap();
    assert_eq!(resumed, whole);
    let other = Config { seed: 9, ..config };
    let told = train(&other, &again, true, &mut |_| Go::On).unwrap_err();
    assert!(told.to_string().contains("another configuration"), "{told}");
}

#[test]
fn policies_come_back_and_know_their_ladder() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        steps: 1000,
        ..config(folder.path())
    };
    let trained = train(&config, folder.path(), false, &mut |_| Go::On).unwrap();
    let file = folder.path().join("policy.json");
    assert_eq!(Policy::read(&file).unwrap(), trained.policy);
    let kind = Kind::parse(&file.display().to_string()).unwrap();
    let (video, player) = (Video::named("bbb4k").unwrap(), Player::p2());
    let trace = Markov::between(3.0, 50.0, 5).generate(0, 300.0).unwrap();
    let simulator = Simulator::new(&trace, &video, &player).unwrap();
    let setting = Setting {
        terms: Terms::linear(&simulator),
        device: Device::named("phone-lte").unwrap(),
    };
    let told = kind.make(&simulator, &setting).err().unwrap().to_string();
    assert!(
        told.contains("300/750/1200/1850/2850/4300, and bbb4k has 1000/"),
        "{told}"
    );
    let mut broken = trained.policy.clone();
    broken.card.ladder_kbps.pop();
    let told = Policy::parse("p.json", &broken.to_text())
        .unwrap_err()
        .to_string();
    assert!(told.contains("do not fit together"), "{told}");
}

#[test]
fn a_gain_that_is_sure_counts_for_more_than_a_larger_one_by_luck() {
    let trial = |gains: [f64; 2], errors: [f64; 2]| Trial {
        steps: 0,
        scores: Vec::new(),
        gains: gains.to_vec(),
        errors: errors.to_vec(),
        reward: 0.0,
        entropy: 0.0,
        best: false,
    };
    let sure = trial([0.1, 0.04], [0.02, 0.01]);
    assert!(sure.value() > trial([0.1, 0.2], [0.02, 0.1]).value());
    assert!(sure.value() > trial([0.3, -0.01], [0.02, 0.01]).value());
    assert!((standard_error(&[1.0, 3.0]) - 1.0).abs() < 1e-12);
}

#[test]
fn configurations_that_cannot_be_are_refused() {
    let told = |text: &str| Config::parse("c.toml", text).unwrap_err().to_string();
    assert!(told("name = 1").starts_with("c.toml: "));
    let text = "name='x'\nprotocol='P1'\ntrain=['t']\nvalid=['v']\nsteps=";
    assert!(told(&format!("{text}0")).contains("that is 0"));
    assert!(told(&format!("{text}1\n[ppo]\nrate=-1.0")).contains("not above 0"));
    assert!(told(&format!("{text}1\nstretch=-1.0")).contains("a stretch that is not"));
    assert!(told(&format!("{text}1\n[ppo]\nkeep=1.0")).contains("a share to keep"));
    assert!(told(&format!("{text}1\nspeed=3")).contains("unknown field `speed`"));
    assert!(told(&format!("{text}1\noutages=2.0")).contains("outages = 2, not from 0 to 1"));
    assert!(told(&format!("{text}1\nnoise=nan")).contains("noise = NaN"));
    assert!(told(&format!("{text}1\nstall=-1.0")).contains("a price of stalling"));
    assert!(told(&format!("{text}1\nfaster=[1.0, 2.0]")).contains("a factor from 0.001"));
    assert!(told(&format!("{text}1\npreferences=[1.5]")).contains("weights from 0 to 1"));
    assert!(told(&format!("{text}1\npart='3/2'")).contains("as in 1/2"));
}

#[test]
fn a_card_tells_the_whole_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.part = Some("2/2".parse().unwrap());
    config.faster = vec![2.0];
    config.stall = Some(9.0);
    config.quality = Some("nervure".into());
    let text = toml::to_string(&config).unwrap();
    assert_eq!(Config::parse("again", &text).unwrap(), config, "{text}");
}

#[test]
fn the_part_that_has_no_say_is_not_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config {
        steps: 500,
        part: Some("1/2".parse().unwrap()),
        ..config(folder.path())
    };
    let run = |config: &Config| {
        let trained = train(config, &folder.path().join("run"), false, &mut |_| Go::On);
        trained.unwrap().trials
    };
    let before = run(&config);
    let mut names: Vec<PathBuf> = fs::read_dir(folder.path().join("valid"))
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    names.sort();
    let slow = "seconds,mbps\n0,0.2\n100,0.2\n";
    fs::write(&names[1], slow).unwrap();
    fs::write(&names[3], slow).unwrap();
    assert_eq!(run(&config), before);
    config.part = None;
    assert_ne!(run(&config), before);
}

#[test]
fn training_can_be_harder_than_trials() {
    let folder = tempfile::tempdir().unwrap();
    let plain = Config {
        steps: 1500,
        ..config(folder.path())
    };
    let run = |config: &Config| {
        let trained = train(config, &folder.path().join("run"), false, &mut |_| Go::On);
        trained.unwrap().trials
    };
    let trials = run(&plain);
    let harder = [
        Config {
            stall: Some(40.0),
            ..plain.clone()
        },
        Config {
            outages: 1.0,
            ..plain.clone()
        },
        Config {
            slower: 1.0,
            ..plain.clone()
        },
        Config {
            noise: 0.5,
            ..plain.clone()
        },
    ];
    for config in &harder {
        let other = run(config);
        assert_eq!(
            other[0], trials[0],
            "lessons and trials are as ever: {config:?}"
        );
        assert_ne!(other[1].reward, trials[1].reward, "{config:?}");
    }
    let faster = Config {
        faster: vec![3.0],
        ..plain
    };
    assert_ne!(run(&faster)[0], trials[0], "lessons are of faster links");
}

#[test]
fn a_policy_with_tiers_is_told_how_much_energy_counts_and_heeds_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        quality: Some("nervure".into()),
        device: "phone-lte-nervure".into(),
        preferences: vec![0.0, 1.0],
        teacher: "robustmpc-priced".into(),
        steps: 1000,
        ..config(folder.path())
    };
    let trained = train(&config, folder.path(), false, &mut |_| Go::On).unwrap();
    let first = &trained.trials[0];
    let names: Vec<&str> = first.scores.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["valid@0", "valid@1"]);
    assert_eq!(first.by_set().len(), 1);
    assert!((first.by_set()[0].1 - mean(&first.gains)).abs() < 1e-12);
    let policy = Policy::read(&folder.path().join("policy.json")).unwrap();
    assert_eq!((policy.card.tiers, policy.network.outputs()), (5, 30));
    let table = QualityTable::named("nervure").unwrap();
    let (video, player) = (Video::named("envivio").unwrap(), Player::p1());
    let device = Device::named("phone-lte-nervure").unwrap();
    let setting = Setting {
        terms: table.terms("envivio", video.ladder()).unwrap(),
        device: device.with_tiers(&table.tiers).unwrap(),
    };
    let traces = read_folder(&folder.path().join("valid"), None).unwrap();
    let links: Vec<Simulator> = traces
        .iter()
        .map(|trace| Simulator::new(trace, &video, &player).unwrap())
        .collect();
    let policy = Arc::new(policy);
    let mut joules = Vec::new();
    for (weight, (_, score)) in [0.0, 1.0].into_iter().zip(&trained.policy.card.valid) {
        let kind = Kind::Policy(Arc::clone(&policy), weight);
        let parts = play_all(&links, &setting, &kind, 0).unwrap();
        let worth: Vec<f64> = parts
            .iter()
            .map(|it| it.worth(&setting.terms, weight))
            .collect();
        assert!((mean(&worth) - score).abs() < 1e-9, "the card says so");
        joules.push(parts.iter().map(|it| it.joules).sum::<f64>());
    }
    assert!(joules[1] < 0.9 * joules[0], "{joules:?}");
}
