"""Sessions worked out apart from the crate, as a table for its tests: `python3 sessions.py > sessions.json`.

The semantics are written here a second time, in plain Python, after the description of Pensieve's test
environment and of the published controllers, and share nothing with the crate. Python's floats and
Rust's f64 are the same numbers, so the table is met to the last bit.
"""

import itertools
import json
import math
import os
import random

HERE = os.path.dirname(os.path.abspath(__file__))
CHUNKS = 48
RATES = [300, 750, 1200, 1850, 2850, 4300]
with open(os.path.join(HERE, "..", "..", "data", "envivio.json")) as file:
    SIZES = [[bits // 8 for bits in row] for row in json.load(file)["segment_sizes_bits"]]


def traces():
    """Five links: steady, slow, one with outages, one that begins late, one that changes all the time."""
    yield "steady", [0.0, 5.0, 10.0], [2.0, 2.0, 2.0]
    yield "slow", [0.0, 1.0, 3.0, 4.5], [0.1, 0.25, 0.4, 0.31]
    yield "outages", [float(t) for t in range(40)], [[3.1, 0.0, 0.0, 1.7][t // 5 % 4] for t in range(40)]
    yield "late", [2.5, 3.0, 4.25, 6.0, 9.0], [1.0, 1.5, 0.7, 2.2, 0.9]
    chance = random.Random(3)
    times, rates, now = [], [], 0.0
    for _ in range(200):
        times.append(round(now, 3))
        rates.append(round(math.exp(chance.gauss(0.3, 0.8)), 4))
        now += chance.uniform(0.2, 2.0)
    yield "lively", times, rates


class Link:
    def __init__(self, times, rates):
        self.times, self.rates = times, rates
        self.row, self.now, self.buffer = 1, times[0], 0.0

    def onward(self):
        self.now = self.times[self.row]
        self.row += 1
        if self.row == len(self.times):
            self.row, self.now = 1, 0

    def fetch(self, size):
        got, took = 0.0, 0.0
        while True:
            speed = self.rates[self.row] * 1000000.0 / 8.0
            span = self.times[self.row] - self.now
            more = speed * span * 0.95
            if got + more > size:
                rest = (size - got) / speed / 0.95
                took += rest
                self.now += rest
                break
            got += more
            took += span
            self.onward()
        delay = took * 1000.0 + 80.0
        stall = max(delay - self.buffer, 0.0)
        self.buffer = max(self.buffer - delay, 0.0) + 4000.0
        slept = 0.0
        if self.buffer > 60000.0:
            slept = math.ceil((self.buffer - 60000.0) / 500.0) * 500.0
            self.buffer -= slept
            rest = slept
            while True:
                span = self.times[self.row] - self.now
                if span > rest / 1000.0:
                    self.now += rest / 1000.0
                    break
                rest -= span * 1000.0
                self.onward()
        return delay, slept, stall, self.buffer


def fixed(history):
    return 2


def buffer_based(history):
    seconds = history[-1]["buffer"] / 1000.0
    if seconds < 5:
        return 0
    if seconds >= 15:
        return 5
    return int(5 * (seconds - 5) / 10.0)


def robust_mpc(history):
    """Horizon 5, harmonic mean of 5, the worst error of the last 5; every plan is tried."""
    speeds = [it["bytes"] / it["delay"] / 1000.0 for it in history]

    def guess(upto):
        last = speeds[max(0, upto - 5):upto]
        return 1.0 / (sum(1.0 / it for it in last) / len(last))

    errors = [0.0]
    for at in range(1, len(speeds)):
        errors.append(abs(guess(at) - speeds[at]) / speeds[at])
    speed = guess(len(speeds)) / (1.0 + max(errors[-5:]))
    first = len(history)
    depth = min(5, CHUNKS - first)
    best, best_value = 0, None
    for plan in itertools.product(range(6), repeat=depth):
        buffer, stall, rate, change = history[-1]["buffer"] / 1000.0, 0.0, 0, 0
        before = history[-1]["level"]
        for at, level in enumerate(plan):
            took = SIZES[first + at][level] / 1000000.0 / speed
            if buffer < took:
                stall += took - buffer
                buffer = 0.0
            else:
                buffer -= took
            buffer += 4.0
            rate += RATES[level]
            change += abs(RATES[level] - RATES[before])
            before = level
        value = rate / 1000.0 - 4.3 * stall - change / 1000.0
        if best_value is None or value >= best_value:
            best, best_value = plan[0], value
    return best


def session(times, rates, choose):
    link, history = Link(times, rates), []
    for chunk in range(CHUNKS):
        level = 1 if chunk == 0 else choose(history)
        delay, slept, stall, buffer = link.fetch(SIZES[chunk][level])
        history.append({
            "level": level, "bytes": SIZES[chunk][level], "delay": delay,
            "sleep": slept, "rebuffer": stall, "buffer": buffer,
        })
    scores = []
    for before, it in zip(history, history[1:]):
        change = abs(RATES[it["level"]] / 1000.0 - RATES[before["level"]] / 1000.0)
        scores.append(RATES[it["level"]] / 1000.0 - 4.3 * (it["rebuffer"] / 1000.0) - change)
    return history, sum(scores) / len(scores)


def main():
    table = []
    controllers = [("fixed:2", fixed), ("bb", buffer_based), ("robustmpc", robust_mpc)]
    for name, times, rates in traces():
        for controller, choose in controllers:
            history, qoe = session(times, rates, choose)
            table.append({
                "trace": name, "times_s": times, "mbps": rates, "controller": controller, "qoe": qoe,
                "levels": [it["level"] for it in history],
                "delays_ms": [it["delay"] for it in history],
                "rebuffers_ms": [it["rebuffer"] for it in history],
                "buffers_ms": [it["buffer"] for it in history],
            })
    print(json.dumps(table, indent=None, separators=(",", ":")).replace('},{', '},\n{'))


main()
