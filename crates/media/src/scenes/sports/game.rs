//! Who is where, and when: the ball from foot to foot, the players after it.

use crate::draw::math::{exp, mix, smoothstep};

use super::super::noise::{Dice, hash, noise1, unit};
use super::super::perspective::Camera;
use super::figure::Figure;
use super::ground::HALF;

/// Seconds from one touch of the ball to the next.
const PASS: f64 = 1.5;

/// A player's place in the team's order.
struct Player {
    home: (f32, f32),
    team: usize,
    seed: u32,
    height: f32,
    skin: usize,
    hair: usize,
    number: u32,
}

pub(super) struct Game {
    seed: u32,
    players: Vec<Player>,
}

impl Game {
    pub(super) fn new(dice: &mut Dice) -> Game {
        const ORDER: [(f32, f32); 10] = [
            (-30.0, -21.0),
            (-33.0, -7.0),
            (-33.0, 8.0),
            (-29.0, 22.0),
            (-13.0, -23.0),
            (-16.0, -4.0),
            (-14.0, 11.0),
            (-10.0, 26.0),
            (4.0, -9.0),
            (6.0, 14.0),
        ];
        let mut players = Vec::new();
        let mut add = |home: (f32, f32), team: usize, number: u32, dice: &mut Dice| {
            players.push(Player {
                home,
                team,
                seed: dice.roll() as u32,
                height: dice.within(0.95, 1.06),
                skin: dice.below(5),
                hair: dice.below(5),
                number,
            });
        };
        for team in 0..2 {
            let side = if team == 0 { 1.0 } else { -1.0 };
            for (index, (x, z)) in ORDER.iter().enumerate() {
                let (dx, dz) = (dice.within(-3.0, 3.0), dice.within(-3.0, 3.0));
                add((side * x + dx, side * z + dz), team, index as u32 + 2, dice);
            }
        }
        add((3.0, 4.0), 2, 0, dice);
        Game {
            seed: dice.roll() as u32,
            players,
        }
    }

    /// Where the ball is at touch `count`.
    fn touch(&self, count: i64) -> (f32, f32) {
        let chance = |purpose: u32| unit(hash(count as i32, 7, self.seed ^ purpose));
        // Play swings from end to end; single passes scatter about it.
        let swing = noise1((count % 1_000_000) as f32 * 0.23, self.seed) * 2.0 - 1.0;
        let x = 46.0 * swing + 14.0 * (chance(1) - 0.5);
        let z = mix(-8.0, 23.0, chance(2));
        (x.clamp(-38.0, 38.0), z)
    }

    /// Right, up and away of the ball.
    fn ball(&self, time: f64) -> [f32; 3] {
        let count = (time / PASS).floor();
        let part = ((time / PASS) - count) as f32;
        let (from, to) = (self.touch(count as i64), self.touch(count as i64 + 1));
        // Grass slows it down.
        let along = part * (1.7 - 0.7 * part);
        let lofted = unit(hash(count as i32, 11, self.seed)) > 0.6;
        let up = if lofted {
            14.0 * part * (1.0 - part)
        } else {
            0.0
        };
        [
            mix(from.0, to.0, along),
            0.11 + up,
            mix(from.1, to.1, along),
        ]
    }

    /// What the camera looks at: the ball, smoothed as a hand would.
    pub(super) fn watched(&self, time: f64) -> (f32, f32) {
        let (mut x, mut z, mut total) = (0.0, 0.0, 0.0);
        for step in -6..=6 {
            let weight = 7.0 - (step as f32).abs();
            let ball = self.ball(time + 0.15 + f64::from(step) * 0.2);
            x += weight * ball[0];
            z += weight * ball[2];
            total += weight;
        }
        (x / total, z / total)
    }

    fn place(&self, player: &Player, time: f64) -> (f32, f32) {
        let (bx, bz) = self.watched(time);
        let wander = |purpose: u32, range: f32| {
            (noise1((time * 0.22 % 1e6) as f32, player.seed ^ purpose) - 0.5) * range
        };
        let share = if player.team == 2 { 0.8 } else { 0.62 };
        let mut x = player.home.0 * 0.8 + bx * share + wander(1, 16.0);
        let mut z = player.home.1 + bz * 0.3 + wander(2, 12.0);
        // Whoever is near goes for the ball, each to his own side of it.
        let angle = (player.seed & 1023) as f32 / 1023.0;
        let (side, near) = crate::draw::math::sin_cos_turns(angle);
        let ball = self.ball(time);
        let (tx, tz) = (ball[0] + 1.3 * side, ball[2] + 1.0 * near);
        let pull = 0.8 * exp(-((tx - x) * (tx - x) + (tz - z) * (tz - z)) / 90.0);
        if player.team < 2 {
            x = mix(x, tx, pull);
            z = mix(z, tz, pull);
        }
        (
            x.clamp(-HALF.0 - 2.0, HALF.0 + 2.0),
            z.clamp(-HALF.1, HALF.1 - 1.0),
        )
    }

    /// Everybody in the picture and the ball, the farthest first.
    pub(super) fn figures(&self, time: f64, camera: &Camera, width: f32) -> Vec<Figure> {
        let mut figures = Vec::new();
        for player in &self.players {
            let (x, z) = self.place(player, time);
            let Some((foot, scale)) = camera.project([x, 0.0, z]) else {
                continue;
            };
            if foot.0 < -2.0 * scale || foot.0 > width + 2.0 * scale {
                continue;
            }
            let before = self.place(player, time - 0.12);
            let after = self.place(player, time + 0.12);
            let velocity = ((after.0 - before.0) / 0.24, (after.1 - before.1) / 0.24);
            let speed = (velocity.0 * velocity.0 + velocity.1 * velocity.1).sqrt();
            // Legs turn over with time rather than with distance, so that they never slip back.
            let tempo = 0.9 + 0.5 * (player.seed >> 20 & 15) as f64 / 15.0;
            let phase = (time * tempo * 1.25 + f64::from(player.seed & 255) / 255.0).fract() as f32;
            figures.push(Figure {
                foot,
                scale: scale * player.height,
                away: z,
                phase,
                effort: smoothstep(0.3, 6.0, speed),
                facing: if speed > 0.4 { velocity.0 / speed } else { 0.3 },
                back: velocity.1 > 0.2 * speed,
                team: player.team,
                skin: player.skin,
                hair: player.hair,
                number: player.number,
                light: super::sun(x, z),
                ball: None,
            });
        }
        let ball = self.ball(time);
        let on_ground = camera.project([ball[0], 0.0, ball[2]]);
        if let Some(((at, scale), (below, _))) = camera.project(ball).zip(on_ground) {
            figures.push(Figure {
                foot: below,
                scale,
                away: ball[2] - 0.3,
                light: super::sun(ball[0], ball[2]),
                ball: Some(at),
                ..Figure::default()
            });
        }
        figures.sort_by(|a, b| b.away.total_cmp(&a.away));
        figures
    }
}
