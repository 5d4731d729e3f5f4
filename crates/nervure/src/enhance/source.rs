//! The pictures that a job works on: those of the reader, from the start that was asked for to its
//! end, turned upright where the result cannot say that players should turn them.

use anyhow::Result;
use nervure_frame::{Frame, FramePool, Rotation, Timestamp};
use nervure_media::{Damage, Packet, Reader};

use super::plan::Plan;

/// Frames in the source's own time, cut and turned.
pub(crate) struct Pictures {
    reader: Reader,
    turn: Rotation,
    pool: FramePool,
    /// Ticks of the first frame wanted and of the first no longer wanted.
    from: Option<i64>,
    until: Option<i64>,
    /// Damage seen before it counted: while looking for a place to continue.
    forgotten: Damage,
}

impl Pictures {
    /// The pictures of `reader` as `plan` wants them.
    pub(crate) fn new(reader: Reader, plan: &Plan) -> Self {
        let base = plan.spec.time_base;
        let from = plan.start.map(|_| plan.origin);
        let begin = from.unwrap_or(plan.begin);
        let until = plan.duration.map(|duration| begin + base.ticks(duration));
        Pictures {
            reader,
            turn: plan.turn,
            pool: FramePool::new(),
            from,
            until,
            forgotten: Damage::default(),
        }
    }

    /// Goes near the start that was asked for. Where the source cannot be entered there, what comes
    /// before is read and dropped.
    pub(crate) fn begin(&mut self, plan: &Plan) -> Result<()> {
        if let Some(from) = self.from
            && from > plan.begin
            && self.reader.info().seekable
        {
            self.seek(Timestamp::new(from, plan.spec.time_base))?;
        }
        Ok(())
    }

    /// Goes to a keyframe at or before a moment.
    pub(crate) fn seek(&mut self, to: Timestamp) -> Result<()> {
        Ok(self.reader.seek(to)?)
    }

    /// The next picture.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>> {
        while let Some(frame) = self.reader.next()? {
            if self.until.is_some_and(|until| frame.pts.ticks >= until) {
                return Ok(None);
            }
            if self.from.is_some_and(|from| frame.pts.ticks < from) {
                continue;
            }
            if self.turn.is_none() {
                return Ok(Some(frame));
            }
            return Ok(Some(frame.rotated(self.turn, &self.pool)));
        }
        Ok(None)
    }

    /// Packets of other streams that came by since the last call.
    pub(crate) fn take_others(&mut self) -> Vec<Packet> {
        self.reader.take_others()
    }

    /// What was damaged, without what was seen on the way to the place where the work began.
    pub(crate) fn damage(&self) -> Damage {
        let (now, then) = (self.reader.damage(), self.forgotten);
        Damage {
            frames: now.frames - then.frames,
            packets: now.packets - then.packets,
            timestamps: now.timestamps - then.timestamps,
            deinterlaced: now.deinterlaced - then.deinterlaced,
            ..now
        }
    }

    /// Does not count what was seen so far.
    pub(crate) fn forget_damage(&mut self) {
        self.forgotten = self.reader.damage();
    }
}
