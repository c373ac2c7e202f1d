import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { Alerts } from '../../src/health/alerts.ts';
import { until } from '../support/program.ts';
import { type Behaviour, type Receiver, startReceiver } from './receiver.ts';
import { reportOf } from './someFacts.ts';

const broken = reportOf({ circuit: 'open' });
const away = reportOf({}, null);

describe('alerts', () => {
  let receiver: Receiver | undefined;
  let alerts: Alerts | undefined;
  afterEach(async () => {
    await alerts?.close();
    await receiver?.close();
  });

  /** Alerts that post to a receiver of this behaviour, and the log lines they write. */
  async function start(...script: Behaviour[]) {
    const timeoutMs = script.includes('hang') ? 300 : 60_000;
    const taken = await startReceiver(...script);
    const lines: string[] = [];
    const log = pino({ base: null }, { write: (line) => lines.push(line) });
    const made = new Alerts({ webhookUrl: taken.url, log, timeoutMs, retryMs: [1, 1] });
    receiver = taken;
    alerts = made;
    return { alerts: made, received: taken.received, lines };
  }

  it('post one text that Slack takes', async () => {
    const { alerts, received } = await start();
    alerts.observe(broken, 0);
    alerts.observe(broken, 15_000);
    await until(() => received.length > 0);
    expect(received).toEqual([
      {
        text: 'hubspot-outbox, worker host-1-abc\ndegraded, was healthy\n• the circuit breaker is open: HubSpot fails, and rows wait',
        contentType: 'application/json',
      },
    ]);
  });

  it.each<[string, Behaviour]>([
    ['refuses for now', { status: 429, headers: { 'retry-after': '0' } }],
    ['fails', { status: 503 }],
    ['cuts the connection', 'reset'],
    ['hangs', 'hang'],
  ])('try again when the receiver %s', async (_what, behaviour) => {
    const { alerts, received } = await start(behaviour);
    alerts.observe(broken, 0);
    alerts.observe(broken, 15_000);
    await until(() => received.length >= 2);
    expect(received[1]).toEqual(received[0]);
  });

  it('give up after three attempts, say so once without the address, and tell a minute later what holds then', async () => {
    const bad: Behaviour = { status: 500 };
    const { alerts, received, lines } = await start(bad, bad, bad, bad, bad, bad);
    alerts.observe(broken, 0);
    alerts.observe(broken, 15_000);
    await until(() => lines.length > 0);
    expect(received).toHaveLength(3);
    await until(() => {
      alerts.observe(away, 90_000);
      return received.length === 6;
    });
    await until(() => {
      alerts.observe(away, 180_000);
      return received.length === 7;
    });
    expect(received[6]?.text).toMatch(/\nunhealthy, was healthy\n/);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ msg: 'alert not delivered', reason: 'HTTP 500' }]);
    expect(lines.join('')).not.toContain('secret');
  });

  it('do not try again what the receiver refuses for good', async () => {
    const { alerts, received, lines } = await start({ status: 404 });
    alerts.observe(broken, 0);
    alerts.observe(broken, 15_000);
    await until(() => lines.length > 0);
    expect(received).toHaveLength(1);
  });

  it('follow no redirection: the text goes where the mapping says, or nowhere', async () => {
    const { alerts, received, lines } = await start({ status: 307, headers: { location: '/elsewhere' } });
    alerts.observe(broken, 0);
    alerts.observe(broken, 15_000);
    await until(() => lines.length > 0);
    expect(received).toHaveLength(1);
  });

  it('say that nobody is reached when nobody listens', async () => {
    const { alerts, lines } = await start();
    await receiver?.close();
    receiver = undefined;
    alerts.observe(broken, 0);
    alerts.observe(broken, 15_000);
    await until(() => lines.length > 0);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'alert not delivered', reason: 'ECONNREFUSED' });
  });

  it('have one message on its way at a time, and join what changes meanwhile', async () => {
    const { promise, resolve: answerIt } = Promise.withResolvers<void>();
    const { alerts, received } = await start({ status: 200, after: promise });
    alerts.observe(broken, 0);
    alerts.observe(broken, 15_000);
    await until(() => received.length === 1);
    for (let at = 20_000; at < 200_000; at += 5_000) alerts.observe(away, at);
    answerIt();
    let at = 200_000;
    await until(() => {
      at += 20_000;
      alerts.observe(away, at);
      return received.length === 2;
    });
    expect(received[1]?.text).toMatch(/\nunhealthy, was degraded\n/);
  });

  it('end what is on its way when they are closed, and post nothing after', async () => {
    const { promise: never } = Promise.withResolvers<void>();
    const { alerts, received, lines } = await start({ status: 200, after: never });
    alerts.observe(broken, 0);
    alerts.observe(broken, 15_000);
    await until(() => received.length === 1);
    await alerts.close();
    alerts.observe(away, 500_000);
    alerts.observe(away, 600_000);
    await alerts.close();
    expect(received).toHaveLength(1);
    expect(lines).toEqual([]);
  });
});
