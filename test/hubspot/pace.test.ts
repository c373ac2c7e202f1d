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
  return { pace, startsNow, pass: (ms: number) => (now += ms) };
}

const headers = (max: number, remaining: number) => ({
  'x-hubspot-ratelimit-max': String(max),
  'x-hubspot-ratelimit-remaining': String(remaining),
  'x-hubspot-ratelimit-interval-milliseconds': '10000',
});

describe('the pace of calls', () => {
  it('lets as many start as the window holds, and no more before the first has left it', async () => {
    const { startsNow, pass } = paceAt(100);
    expect(await startsNow(120)).toBe(100);
    pass(9_999);
    expect(await startsNow(1)).toBe(0);
    pass(200);
    expect(await startsNow(120)).toBe(100);
  });

  it('slides: each call that leaves the window makes room for one', async () => {
    const { startsNow, pass } = paceAt(10);
    expect(await startsNow(4)).toBe(4);
    pass(5_000);
    expect(await startsNow(10)).toBe(6);
    pass(5_200);
    expect(await startsNow(10)).toBe(4);
  });

  it('lets nobody start during a pause', async () => {
    const { pace, startsNow, pass } = paceAt(10);
    pace.pause(3_000);
    expect(await startsNow(1)).toBe(0);
    pass(3_000);
    expect(await startsNow(1)).toBe(1);
  });

  it('takes a lower limit from HubSpot, and gives it back when HubSpot does', async () => {
    const { pace, startsNow } = paceAt(190);
    pace.learn(headers(100, 100));
    expect(pace.limit).toBe(100);
    expect(await startsNow(150)).toBe(100);
    pace.learn(headers(190, 90));
    expect(await startsNow(150)).toBe(90);
  });

  it('never exceeds what it was told, whatever HubSpot allows', async () => {
    const { pace, startsNow } = paceAt(100);
    pace.learn(headers(190, 190));
    expect(await startsNow(150)).toBe(100);
  });

  it('leaves room for the calls of others with the same key', async () => {
    const { pace, startsNow, pass } = paceAt(100);
    expect(await startsNow(10)).toBe(10);
    pace.learn(headers(100, 30));
    expect(await startsNow(100)).toBe(30);
    pass(10_200);
    expect(await startsNow(150)).toBe(100);
  });

  it.each([
    [{}],
    [headers(0, 0)],
    [{ 'x-hubspot-ratelimit-max': 'many', 'x-hubspot-ratelimit-remaining': '-1' }],
    [{ ...headers(5, 5), 'x-hubspot-ratelimit-interval-milliseconds': '1000' }],
  ])('heeds no headers that make no sense: %j', async (given) => {
    const { pace, startsNow } = paceAt(100);
    pace.learn(given);
    expect(await startsNow(150)).toBe(100);
  });

  it('asks the others whose limit it shares', async () => {
    const { pace, startsNow } = paceAt(100);
    let left = 7;
    pace.share({ acquire: () => (left-- > 0 ? Promise.resolve() : Promise.reject(new Error('no more'))) });
    expect(await startsNow(20)).toBe(7);
  });
});
