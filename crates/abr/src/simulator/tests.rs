use super::*;
use crate::player::Live;
use crate::trace::Markov;
use crate::video::Kbps;

fn flat(mbps: f64) -> Trace {
    Trace::new("flat", vec![0.0, 1000.0], vec![mbps, mbps]).unwrap()
}

/// Chunks of 2 s: 125 000 and 250 000 bytes, which are 0.5 and 1 Mbit/s.
fn video(chunks: usize) -> Video {
    let ladder = vec![Kbps(500), Kbps(1000)];
    Video::new(
        "v",
        2000.0,
        ladder,
        &vec![vec![125_000.0, 250_000.0]; chunks],
    )
    .unwrap()
}

fn plain() -> Player {
    Player {
        payload_share: 1.0,
        rtt_ms: 100.0,
        buffer_cap_ms: 6000.0,
        first_level: 0,
        ..Player::default()
    }
}

/// By hand: at 1 Mbit/s a chunk of 125 000 bytes takes 1 s, one of 250 000 takes 2 s, and 0.1 s each.
#[test]
fn a_session_done_by_hand() {
    let simulator = Simulator::new(&flat(1.0), &video(6), &plain()).unwrap();
    let mut state = simulator.begin(0);
    // Level, delay, rebuffer, buffer.
    let by_hand = [
        (0, 1100.0, 1100.0, 2000.0),
        (1, 2100.0, 100.0, 2000.0),
        (0, 1100.0, 0.0, 2900.0),
        (0, 1100.0, 0.0, 3800.0),
        (0, 1100.0, 0.0, 4700.0),
        (0, 1100.0, 0.0, 5600.0),
    ];
    for (level, delay, rebuffer, buffer) in by_hand {
        let it = simulator.step(&mut state, level);
        assert!((it.delay_ms - delay).abs() < 1e-9, "{it:?}");
        assert!((it.rebuffer_ms - rebuffer).abs() < 1e-9, "{it:?}");
        assert!((it.buffer_ms - buffer).abs() < 1e-9, "{it:?}");
        assert_eq!(it.last, it.chunk == 5);
    }
    assert!((state.clock_ms - 7600.0).abs() < 1e-9);
}

/// At 10 Mbit/s a small chunk takes 0.1 s and 0.1 s: the buffer grows by 1.8 s each time. It would be
/// 7.4 s behind the fourth, 1.4 s too much, which is drained in steps of 0.5 s: three of them.
#[test]
fn a_full_buffer_is_drained_in_steps() {
    let simulator = Simulator::new(&flat(10.0), &video(6), &plain()).unwrap();
    let mut state = simulator.begin(0);
    let buffers = [2000.0, 3800.0, 5600.0, 5900.0];
    let sleeps = [0.0, 0.0, 0.0, 1500.0];
    for (buffer, sleep) in buffers.into_iter().zip(sleeps) {
        let it = simulator.step(&mut state, 0);
        assert!((it.buffer_ms - buffer).abs() < 1e-9, "{it:?}");
        assert_eq!(it.sleep_ms, sleep);
    }
    // Four downloads of 0.1 s and 1.5 s of sleep: the wait for the first byte takes nothing from the link.
    assert!((state.at_s - 1.9).abs() < 1e-9, "{}", state.at_s);
}

/// 0.5 s at 1 Mbit/s, 1 s of nothing, then 2 Mbit/s, and again. The first lap gives 62 500 bytes in its
/// first half second; the other 62 500 of the first chunk come from 1.5 s on, in 0.25 s.
#[test]
fn rows_are_walked_through_outages_and_around() {
    let times = vec![0.0, 0.5, 1.5, 2.5];
    let trace = Trace::new("rows", times, vec![9.0, 1.0, 0.0, 2.0]).unwrap();
    let simulator = Simulator::new(&trace, &video(3), &plain()).unwrap();
    let mut state = simulator.begin(0);
    assert!((simulator.step(&mut state, 0).delay_ms - 1850.0).abs() < 1e-9);
    assert!((state.at_s - 1.75).abs() < 1e-9);
    // 187 500 bytes up to the end, and 62 500 in the first half second of the second lap. Having sent
    // exactly all, the session stands at the end of that row and waits for the next byte until 1.5 s.
    let it = simulator.step(&mut state, 1);
    assert!(it.delay_ms >= 1350.0 - 1e-9, "{it:?}");
}

#[test]
fn the_first_lap_and_the_later_ones_differ_only_as_the_player_says() {
    let trace = Trace::new("late", vec![10.0, 11.0, 12.0], vec![1.0, 1.0, 1.0]).unwrap();
    let mut delays = Vec::new();
    for loop_from_zero in [false, true] {
        let player = Player {
            loop_from_zero,
            ..plain()
        };
        let simulator = Simulator::new(&trace, &video(4), &player).unwrap();
        let mut state = simulator.begin(0);
        let all: Vec<f64> = (0..4)
            .map(|_| simulator.step(&mut state, 1).delay_ms)
            .collect();
        assert!(
            all.iter().all(|delay| (delay - 2100.0).abs() < 1e-6),
            "{all:?}"
        );
        delays.push(state.at_s);
    }
    assert!((10.0..=12.0).contains(&delays[0]));
    assert!(
        delays[1] < 10.0,
        "from zero, the first row lasts 11 s: {delays:?}"
    );
}

#[test]
fn noise_and_random_starts_come_from_the_seed() {
    let trace = Markov::between(0.3, 5.0, 5).generate(1, 300.0).unwrap();
    let player = Player {
        noise: 0.1,
        random_start: true,
        ..Player::p1()
    };
    let simulator = Simulator::new(&trace, &Video::named("envivio").unwrap(), &player).unwrap();
    let run = |seed| {
        let mut state = simulator.begin(seed);
        (0..48)
            .map(|_| simulator.step(&mut state, 2).delay_ms)
            .collect::<Vec<f64>>()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_live_stream_is_waited_for_and_caught_up_with() {
    let live = Live {
        start_latency_ms: 6000.0,
        target_latency_ms: 4000.0,
        catch_up: 0.25,
    };
    let player = Player {
        live: Some(live),
        rtt_ms: 0.0,
        ..plain()
    };
    let simulator = Simulator::new(&flat(10.0), &video(60), &player).unwrap();
    let mut state = simulator.begin(0);
    let mut last = simulator.step(&mut state, 0);
    assert!(
        last.latency_ms > 6000.0,
        "the first chunk took a moment: {last:?}"
    );
    for _ in 1..60 {
        let it = simulator.step(&mut state, 0);
        assert!(state.clock_ms >= f64::from(state.chunk) * 2000.0 - 6000.0);
        last = it;
    }
    assert!((3400.0..4100.0).contains(&last.latency_ms), "{last:?}");
    // A link that is too slow falls behind, however fast the viewer would watch.
    let simulator = Simulator::new(&flat(0.8), &video(60), &player).unwrap();
    let mut state = simulator.begin(0);
    let late = (0..60)
        .map(|_| simulator.step(&mut state, 1))
        .last()
        .unwrap();
    assert!(late.latency_ms > 30_000.0, "{late:?}");
}

#[test]
fn a_fleet_steps_as_its_sessions_would_alone() {
    let video = Video::named("envivio").unwrap();
    let simulators: Vec<Simulator> = (0..3)
        .map(|seed| Markov::between(0.3, 5.0, 5).generate(seed, 300.0).unwrap())
        .map(|trace| Simulator::new(&trace, &video, &Player::p1()).unwrap())
        .collect();
    let mut fleet = Fleet::new(&simulators, 5);
    let mut alone: Vec<State> = (0..3)
        .map(|at| simulators[at].begin(5 + at as u64))
        .collect();
    let mut deliveries = vec![simulators[0].step(&mut simulators[0].begin(0), 0); 3];
    for chunk in 0..48 {
        let levels: Vec<usize> = (0..3).map(|at| (chunk + at) % 6).collect();
        fleet.step(&levels, &mut deliveries);
        for at in 0..3 {
            assert_eq!(
                deliveries[at],
                simulators[at].step(&mut alone[at], levels[at])
            );
        }
    }
    assert!(fleet.states().zip(&alone).all(|(a, b)| a == b));
}

#[test]
fn what_is_ahead_is_what_the_link_then_gives() {
    let trace = Trace::new("steps", vec![0.0, 2.0, 5.0], vec![0.0, 1.0, 4.0]).unwrap();
    let video = Video::named("envivio").unwrap();
    let mut simulator = Simulator::new(&trace, &video, &Player::p1()).unwrap();
    let state = simulator.begin(0);
    let mut rates = Vec::new();
    // Over the first row, into the second, and round the end into the first again.
    simulator.ahead(&state, &[1.0, 3.0, 6.0], &mut rates);
    let wanted = [1.0, (1.0 + 4.0) / 2.0, (4.0 * 2.0 + 1.0) / 3.0];
    for (rate, wanted) in rates.iter().zip(wanted) {
        assert!((rate - wanted).abs() < 1e-9, "{rates:?}");
    }
    let twice = trace.mbps().iter().map(|rate| rate * 2.0).collect();
    let twice = Trace::new("twice", trace.times_s().to_vec(), twice).unwrap();
    let twice = Simulator::new(&twice, &video, &Player::p1()).unwrap();
    simulator.follow(&simulator.clone(), 2.0);
    let (mut one, mut other) = (simulator.begin(0), twice.begin(0));
    for chunk in 0..48 {
        let level = chunk % 6;
        assert_eq!(
            simulator.step(&mut one, level),
            twice.step(&mut other, level)
        );
    }
}
