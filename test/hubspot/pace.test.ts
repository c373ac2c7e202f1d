import { setImmediate as turn } from 'node:timers/promises';
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
  /** How many of as many as want to may start in the next second, and in those after it. */
  const startsIn = async (seconds: number, calls = 2_000) => {
    let started = 0;
    for (let each = 0; each < seconds; each += 1) {
      started += await startsNow(Math.min(200, calls - started));
      pass(1_000);
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

  it('spreads them: a tenth of the limit a second', async () => {
    const { startsNow, pass } = paceAt(190);
    expect(await startsNow(50)).toBe(19);
    pass(999);
    expect(await startsNow(50)).toBe(0);
    pass(1);
    expect(await startsNow(10)).toBe(10);
    pass(500);
    expect(await startsNow(50)).toBe(9);
  });

  it('lets a few start at once, however low the limit is', async () => {
    const { startsNow } = paceAt(5);
    expect(await startsNow(10)).toBe(4);
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
