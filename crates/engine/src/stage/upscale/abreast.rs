//! Two pictures at once, each on half of the threads.
//!
//! Threads that share a picture wait for each other at its end, and each computes a few rows that
//! another does too. With a picture each they do neither, and a decoder that takes its time from one of
//! them keeps no other waiting.

use std::collections::VecDeque;

use nervure_frame::Frame;

use super::{Enlarging, Luma, Tools, Work, lost};
use crate::workers::Workers;
use crate::{Error, Pull};

pub(super) struct Abreast {
    lanes: [Lane; LANES],
    /// The lane that is next in turn.
    turn: usize,
    /// Pictures that are being made; the first of them was begun so many turns ago.
    begun: usize,
    /// Made, and not taken yet.
    done: VecDeque<Frame>,
    flushed: bool,
}

/// More would keep the first picture from coming out before more of them have come in.
pub(super) const LANES: usize = 2;

struct Lane {
    workers: Workers<Enlarging>,
    /// Away while the workers have them.
    tools: Option<Box<Tools>>,
}

impl Abreast {
    /// With so many threads for each picture.
    pub(super) fn new(luma: &Luma, threads: usize) -> Result<Abreast, Error> {
        let lane = || {
            Ok(Lane {
                workers: Workers::new("abreast", threads)?,
                tools: Some(Box::new(Tools::new(luma.clone(), threads, None))),
            })
        };
        Ok(Abreast {
            lanes: [lane()?, lane()?],
            turn: 0,
            begun: 0,
            done: VecDeque::new(),
            flushed: false,
        })
    }

    /// Has a picture begun. Those that come out are in the order in which they went in.
    pub(super) fn begin(&mut self, from: Frame, to: Frame) -> Result<(), Error> {
        if self.begun == LANES {
            let made = self.end()?;
            self.done.push_back(made);
        }
        let lane = &mut self.lanes[self.turn];
        let tools = lane.tools.take().ok_or_else(lost)?;
        lane.workers.begin(Enlarging {
            from,
            to,
            work: Some(Work::Whole),
            tools,
        })?;
        self.turn = (self.turn + 1) % LANES;
        self.begun += 1;
        Ok(())
    }

    /// Waits for the first of those that are being made.
    fn end(&mut self) -> Result<Frame, Error> {
        let lane = &mut self.lanes[(self.turn + LANES - self.begun) % LANES];
        let Enlarging { to, tools, .. } = lane.workers.end()?;
        lane.tools = Some(tools);
        self.begun -= 1;
        Ok(to)
    }

    /// Waits for all that are being made.
    pub(super) fn end_all(&mut self) -> Result<(), Error> {
        while self.begun > 0 {
            let made = self.end()?;
            self.done.push_back(made);
        }
        Ok(())
    }

    /// Takes a picture that was made elsewhere, after all that were begun have ended.
    pub(super) fn put(&mut self, made: Frame) {
        debug_assert_eq!(self.begun, 0);
        self.done.push_back(made);
    }

    /// [`Stage::pull`](crate::Stage::pull).
    pub(super) fn pull(&mut self) -> Result<Pull, Error> {
        if let Some(frame) = self.done.pop_front() {
            return Ok(Pull::Frame(frame));
        }
        let no_lane_is_free = self.begun == LANES;
        if no_lane_is_free || (self.flushed && self.begun > 0) {
            return self.end().map(Pull::Frame);
        }
        Ok(match self.flushed {
            true => Pull::End,
            false => Pull::NeedMore,
        })
    }

    /// [`Stage::flush`](crate::Stage::flush).
    pub(super) fn flush(&mut self) {
        self.flushed = true;
    }
}
