import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pace } from '../../src/hubspot/pace.ts';

/** A pace whose clock stands still until it is moved, and how many of `calls` may start at this moment. */
function paceAt(callsPer10s: number) {
  let now = 1_000_000;
  const pace = new Pace(callsPer10s, () => now);
  const startsNow = async (calls: number) => {
    const stop = new AbortController();
    let started = 0;
    const asked = Array.from({ length: calls }, () =>
      pace.acquire(stop.signal).then(
        () => (started += 1),
        () => {},
      ),
    );
    for (let each = 0; each < calls + 10; each += 1) await turn();
    stop.abort();
    await Promise.all(asked);
    return started;
  };
  const pass = (ms: number) => (now += ms);
  /** How many of as many as want to may start in so many seconds from now. */
  const startsIn = async (seconds: number) => {
    let started = 0;
    for (let each = 0; each < seconds * 20; each += 1) {
      started += await startsNow(200);
      pass(50);
    }
    return started;
  };
  return { pace, startsNow, startsIn, pass };
}

const headers = (max: number, remaining: number) => ({
  'x-hubspot-ratelimit-max': String(max),
  'x-hubspot-ratelimit-remaining': String(remaining),
  'x-hubspot-ratelimit-interval-milliseconds': '10000',
});

describe('the pace of calls', () => {
  it('lets as many start as the window holds, and no more before the first has left it', async () => {
    const { startsNow, startsIn, pass } = paceAt(100);
    expect(await startsIn(10)).toBe(100);
    expect(await startsNow(1)).toBe(0);
    pass(200);
    expect(await startsIn(10)).toBe(100);
  });

  it('lets two thirds start at once and the others evenly', async () => {
    const { startsNow, pass } = paceAt(190);
    expect(await startsNow(300)).toBe(129);
    const later: number[] = [];
    for (let ms = 50; ms < 10_100; ms += 50) {
      pass(50);
      for (let n = await startsNow(5); n > 0; n -= 1) later.push(ms);
    }
    const gaps = later.slice(1).map((ms, index) => ms - (later[index] ?? 0));
    expect(later).toHaveLength(61);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(200);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(150);
  });

  it('lets all start at once where the limit is not nearly reached', async () => {
    const { startsNow, pass } = paceAt(80);
    for (let second = 0; second < 30; second += 1) {
      expect(await startsNow(5)).toBe(5);
      pass(1_000);
    }
  });

  it('keeps to the limit in any ten seconds, and wastes none of it, whatever asks when', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.record({ ms: fc.integer({ min: 1, max: 4_000 }), calls: fc.nat(30) }), { maxLength: 30 }),
        async (limit, steps) => {
          const { startsNow, pass } = paceAt(limit);
          const starts: number[] = [];
          let now = 0;
          for (const { ms, calls } of steps) {
            pass(ms);
            now += ms;
            const began = await startsNow(calls);
            starts.push(...Array.from({ length: began }, () => now));
            const within = (ms: number) => starts.filter((at) => at > now - ms).length;
            expect(within(10_000)).toBeLessThanOrEqual(limit);
            // Who must wait finds the window used up, but for what starts evenly.
            if (began < calls) expect(within(10_200) + limit / 3).toBeGreaterThanOrEqual(limit);
          }
        },
      ),
    );
  });

  it('slides: each call that leaves the window makes room for one', async () => {
    const { startsNow, pass } = paceAt(6);
    expect(await startsNow(2)).toBe(2);
    pass(5_000);
    expect(await startsNow(10)).toBe(4);
    pass(5_200);
    expect(await startsNow(10)).toBe(2);
  });

  it('lets nobody start during a pause', async () => {
    const { pace, startsNow, pass } = paceAt(10);
    pace.pause(3_000);
    expect(await startsNow(1)).toBe(0);
    pass(3_000);
    expect(await startsNow(1)).toBe(1);
  });

  it('takes a lower limit from HubSpot, and gives it back when HubSpot does', async () => {
    const { pace, startsIn, pass } = paceAt(190);
    pace.learn(headers(100, 100));
    expect(pace.limit).toBe(100);
    expect(await startsIn(10)).toBe(100);
    pass(200);
    pace.learn(headers(190, 190));
    expect(await startsIn(10)).toBe(190);
  });

  it('never exceeds what it was told, whatever HubSpot allows', async () => {
    const { pace, startsIn } = paceAt(100);
    pace.learn(headers(190, 190));
    expect(await startsIn(10)).toBe(100);
  });

  it('leaves room for the calls of others with the same key', async () => {
    const { pace, startsNow, startsIn, pass } = paceAt(100);
    expect(await startsNow(10)).toBe(10);
    pace.learn(headers(100, 30));
    pass(1_000);
    expect(await startsIn(9)).toBe(30);
    pass(1_200);
    expect(await startsIn(10)).toBe(100);
  });

  it.each([
    [{}],
    [headers(0, 0)],
    [{ 'x-hubspot-ratelimit-max': 'many', 'x-hubspot-ratelimit-remaining': '-1' }],
    [{ ...headers(5, 5), 'x-hubspot-ratelimit-interval-milliseconds': '1000' }],
  ])('heeds no headers that make no sense: %j', async (given) => {
    const { pace, startsIn } = paceAt(100);
    pace.learn(given);
    expect(await startsIn(10)).toBe(100);
  });

  it('asks the others whose limit it shares', async () => {
    const { pace, startsNow } = paceAt(100);
    let left = 7;
    pace.share({ acquire: () => (left-- > 0 ? Promise.resolve() : Promise.reject(new Error('no more'))) });
    expect(await startsNow(20)).toBe(7);
  });
});
