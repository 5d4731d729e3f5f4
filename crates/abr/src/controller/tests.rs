use super::*;
use crate::session::{play, play_all};
use crate::trace::Markov;
use crate::{Player, Trace, Video};

#[derive(serde::Deserialize)]
struct Golden {
    trace: String,
    times_s: Vec<f64>,
    mbps: Vec<f64>,
    controller: String,
    qoe: f64,
    levels: Vec<usize>,
    delays_ms: Vec<f64>,
    rebuffers_ms: Vec<f64>,
    buffers_ms: Vec<f64>,
}

fn setting(simulator: &Simulator) -> Setting {
    Setting {
        terms: Terms::linear(simulator),
        device: Device::named("phone-lte").unwrap(),
    }
}

fn p1(trace: &Trace) -> Simulator {
    Simulator::new(trace, &Video::named("envivio").unwrap(), &Player::p1()).unwrap()
}

fn links(count: u64) -> Vec<Simulator> {
    let link = Markov::between(0.3, 5.0, 6);
    (0..count)
        .map(|seed| p1(&link.generate(seed, 320.0).unwrap()))
        .collect()
}

fn mean_qoe(simulators: &[Simulator], name: &str) -> f64 {
    let setting = setting(&simulators[0]);
    let parts = play_all(simulators, &setting, &Kind::parse(name).unwrap(), 0).unwrap();
    parts.iter().map(|it| it.qoe).sum::<f64>() / parts.len() as f64
}

/// The table was worked out by tests/golden/sessions.py, which shares nothing with this crate. Same
/// floating-point operations, same numbers: every one is met to the last bit.
#[test]
fn sessions_are_what_another_program_worked_out() {
    let text = include_str!("../../tests/golden/sessions.json");
    let table: Vec<Golden> = serde_json::from_str(text).unwrap();
    assert_eq!(table.len(), 15);
    for row in table {
        let trace = Trace::new(&row.trace, row.times_s, row.mbps).unwrap();
        let simulator = p1(&trace);
        let setting = setting(&simulator);
        let kind = Kind::parse(&row.controller).unwrap();
        let mut controller = kind.make(&simulator, &setting).unwrap();
        let mut shown = Vec::new();
        let parts = play(&simulator, &setting, &mut *controller, 0, &mut |it| {
            shown.push(*it);
        });
        let which = format!("{} on {}", row.controller, row.trace);
        let levels: Vec<usize> = shown.iter().map(|it| it.delivery.level).collect();
        assert_eq!(levels, row.levels, "{which}");
        for (at, it) in shown.iter().enumerate() {
            let found = (
                it.delivery.delay_ms,
                it.delivery.rebuffer_ms,
                it.delivery.buffer_ms,
            );
            let wanted = (row.delays_ms[at], row.rebuffers_ms[at], row.buffers_ms[at]);
            assert_eq!(found, wanted, "chunk {at} of {which}");
        }
        assert!(
            (parts.qoe - row.qoe).abs() < 1e-12,
            "{which}: {}",
            parts.qoe
        );
    }
}

#[test]
fn no_number_depends_on_the_threads() {
    let simulators = links(12);
    let setting = setting(&simulators[0]);
    for name in ["bb", "robustmpc", "robustmpc-carried", "oracle"] {
        let kind = Kind::parse(name).unwrap();
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| play_all(&simulators[..6], &setting, &kind, 9).unwrap())
        };
        let once = with(1);
        assert_eq!(once, with(4), "{name}");
        assert_eq!(once, with(1), "{name}");
    }
}

#[test]
fn who_knows_more_does_better() {
    let simulators = links(16);
    let oracle = mean_qoe(&simulators, "oracle");
    let robust = mean_qoe(&simulators, "robustmpc");
    let fixed = mean_qoe(&simulators, "fixed:5");
    for name in [
        "rate",
        "bb",
        "bola",
        "bola-e",
        "throughput",
        "dynamic",
        "mpc",
        "robustmpc",
    ] {
        let qoe = mean_qoe(&simulators, name);
        assert!(qoe < oracle, "{name}: {qoe} and {oracle} of the oracle");
        assert!(
            qoe > fixed,
            "{name}: {qoe} and {fixed} of the highest level always"
        );
    }
    assert!(oracle > robust * 1.02, "{oracle} and {robust}");
}

#[test]
fn a_steady_link_is_understood_by_everyone() {
    // 2.4 Mbit/s, less 5%, 10% and the wait for each chunk, bear 1850 kbit/s.
    let simulator = p1(&Trace::new("steady", vec![0.0, 500.0], vec![2.4; 2]).unwrap());
    let setting = setting(&simulator);
    for name in ["rate", "throughput", "mpc", "robustmpc"] {
        let kind = Kind::parse(name).unwrap();
        let mut controller = kind.make(&simulator, &setting).unwrap();
        let mut levels = Vec::new();
        play(&simulator, &setting, &mut *controller, 0, &mut |it| {
            levels.push(it.delivery.level);
        });
        let most = levels[8..40].iter().filter(|level| **level == 3).count();
        assert!(most > 16, "{name}: {levels:?}");
    }
}

/// Every plan is tried, on sessions like those that come up; the search must find the same.
#[test]
fn no_plan_is_cut_off_that_could_have_been_the_best() {
    let simulator = &links(1)[0];
    let terms = Terms::linear(simulator);
    let device = Device::named("phone-lte").unwrap();
    let mut random = crate::Random::new(4);
    for _ in 0..20 {
        let view = View {
            simulator,
            terms: &terms,
            device: &device,
            chunk: 1 + random.below(47),
            buffer_ms: random.between(0.0, 30_000.0),
            backlog_ms: 0.0,
            last_level: random.below(6),
            last_tier: 0,
            last_quality: None,
            spent_j: 0.0,
        };
        let rate = random.between(0.02, 0.6);
        let depth = 5.min(48 - view.chunk);
        let (mut best, mut found) = (f64::MIN, 0);
        for plan in 0..6_usize.pow(depth as u32) {
            let (mut buffer, mut stall, mut sum, mut change) =
                (view.buffer_ms / 1e3, 0.0, 0.0, 0.0);
            let mut before = terms.quality(view.last_level, 0) * 1e3;
            for at in 0..depth {
                let level = plan / 6_usize.pow((depth - 1 - at) as u32) % 6;
                let takes: f64 = view.sizes(view.chunk + at)[level] / 1e6 / rate;
                stall += (takes - buffer).max(0.0);
                buffer = (buffer - takes).max(0.0) + 4.0;
                let quality = (terms.quality(level, 0) * 1e3).round();
                sum += quality;
                change += (quality - before).abs();
                before = quality;
            }
            let value = sum / 1e3 - 4.3 * stall - change / 1e3;
            if value >= best {
                (best, found) = (value, plan / 6_usize.pow(depth as u32 - 1));
            }
        }
        let mut mpc = Mpc::new(Errors::Ignored);
        mpc.observe(&Event::Begin);
        mpc.observe(&Event::Arrived(&Delivery {
            chunk: 0,
            level: 0,
            bytes: rate * 1e6,
            delay_ms: 1e3,
            sleep_ms: 0.0,
            rebuffer_ms: 0.0,
            buffer_ms: 0.0,
            latency_ms: 0.0,
            last: false,
        }));
        assert_eq!(mpc.choose(&view).level, found, "{view:?} at {rate}");
    }
}

/// A table in which the second tier makes every level better, as good as the next.
fn enhanced(simulator: &Simulator) -> Setting {
    let rows: Vec<Vec<f64>> = (0..6)
        .map(|level| {
            vec![
                simulator.mbps()[level],
                simulator.mbps()[(level + 1).min(5)],
            ]
        })
        .collect();
    Setting {
        terms: Terms::table(&rows, 4.3, 1.0).unwrap(),
        ..setting(simulator)
    }
}

#[test]
fn enhancement_is_made_use_of_and_costs_energy() {
    let simulators = links(6);
    let setting = enhanced(&simulators[0]);
    let run = |name: &str| {
        let parts = play_all(&simulators, &setting, &Kind::parse(name).unwrap(), 0).unwrap();
        let sum = |part: fn(&crate::qoe::Parts) -> f64| parts.iter().map(part).sum::<f64>();
        (sum(|it| it.qoe), sum(|it| it.joules))
    };
    let (plain, greedy, aware) = (
        run("robustmpc"),
        run("robustmpc+greedy"),
        run("robustmpc-enhanced"),
    );
    assert!(
        greedy.0 > plain.0 && aware.0 > plain.0,
        "{plain:?} {greedy:?} {aware:?}"
    );
    assert!(greedy.1 > plain.1, "same levels, and work besides");
    assert_eq!(run("robustmpc+0"), plain);
}

#[test]
fn errors_are_of_a_session_unless_they_are_carried() {
    // A link that collapses at the end leaves large errors behind.
    let times: Vec<f64> = (0..200).map(f64::from).collect();
    let saw = |at| if at % 20 < 10 { 6.0 } else { 0.5 };
    let saw = Trace::new("saw", times, (0..200).map(saw).collect()).unwrap();
    let steady = Trace::new("steady", vec![0.0, 500.0], vec![3.0; 2]).unwrap();
    let simulators = [p1(&saw), p1(&steady)];
    let setting = setting(&simulators[1]);
    let run = |name: &str| play_all(&simulators, &setting, &Kind::parse(name).unwrap(), 0).unwrap();
    let (own, carried) = (run("robustmpc"), run("robustmpc-carried"));
    assert_eq!(own[0], carried[0]);
    assert_ne!(own[1], carried[1]);
}

#[test]
fn names_are_read_and_misfits_refused() {
    for name in ["fixed:2", "robustmpc+greedy", "bola+1"] {
        assert!(Kind::parse(name).is_ok());
    }
    for name in ["", "fixed:", "fixed:x", "mpcc", "mpcc+1"] {
        let told = Kind::parse(name).unwrap_err().to_string();
        assert!(told.contains("robustmpc"), "{told}");
    }
    let much = Kind::parse("bb+much").unwrap_err();
    assert_eq!(
        much.to_string(),
        "bb+much: there is no tier much; there are none without a table"
    );
    assert!(much.hint().unwrap().contains("--quality"));
    let tiers = ["none", "xs"].map(String::from);
    assert_eq!(
        Kind::parse_with("bb+xs", &tiers).unwrap(),
        Kind::parse("bb+1").unwrap()
    );
    let simulator = &links(1)[0];
    let told = |name: &str| {
        let made = Kind::parse(name)
            .unwrap()
            .make(simulator, &setting(simulator));
        made.err().unwrap().to_string()
    };
    assert!(told("fixed:6").contains("the highest level is 5"));
    assert!(told("bb+1").contains("there is no tier 1; there are 0 to 0"));
}

#[test]
fn a_price_of_energy_saves_energy_and_none_is_robustmpc_with_the_best_tiers() {
    let simulators = links(6);
    let setting = Setting {
        device: Device::named("phone-lte-nervure").unwrap(),
        ..enhanced(&simulators[0])
    };
    let run = |name: &str| {
        let parts = play_all(&simulators, &setting, &Kind::parse(name).unwrap(), 0).unwrap();
        let sum = |part: fn(&crate::qoe::Parts) -> f64| parts.iter().map(part).sum::<f64>();
        let worth = |weight| {
            parts
                .iter()
                .map(|it| it.worth(&setting.terms, weight))
                .sum::<f64>()
        };
        (sum(|it| it.joules), worth(0.0), worth(1.0))
    };
    let [none, half, full] =
        [0.0, 0.5, 1.0].map(|weight| run(&format!("robustmpc-priced@{weight}")));
    // It plans five chunks ahead and no more: between two prices near each other anything may happen.
    assert!(
        full.0 < 0.97 * none.0 && full.2 > half.2 && half.2 > none.2,
        "{none:?} {half:?} {full:?}"
    );
    assert!(none.1 > run("robustmpc").1);
    // Without tiers and without a price there is nothing to plan but levels.
    let linear = tests::setting(&simulators[0]);
    let plain =
        |name: &str| play_all(&simulators, &linear, &Kind::parse(name).unwrap(), 0).unwrap();
    assert_eq!(plain("robustmpc-priced"), plain("robustmpc"));
}

#[test]
fn weights_are_of_those_that_heed_them() {
    let priced = Kind::parse("robustmpc-priced@0.25").unwrap();
    assert_eq!(priced, Kind::RobustMpcPriced(0.25));
    assert_eq!(priced.at(0.5), Some(Kind::RobustMpcPriced(0.5)));
    assert_eq!(Kind::RobustMpc.at(0.5), None);
    for odd in [
        "robustmpc-priced@2",
        "robustmpc-priced@nan",
        "robustmpc-priced@-0.1",
    ] {
        let told = Kind::parse(odd).unwrap_err().to_string();
        assert!(told.contains("a weight from 0 to 1"), "{told}");
    }
    assert!(Kind::parse("robustmpc-priced@much").is_err());
    let told = Kind::parse("robustmpc@0.5").unwrap_err().to_string();
    assert!(told.contains("no controller \"robustmpc@0.5\""), "{told}");
}
