import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runProgram, startProgram, until } from '../support/program.ts';
import { shopMapping } from '../support/shop.ts';
import { openSyncedShop, type SyncedShop } from '../support/synced.ts';

const REMEDY = 'hubspot-outbox triggers apply';

let shop: SyncedShop;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-unapplied-'));
  shop = await openSyncedShop({ users: 10 });
});
afterAll(async () => {
  await shop?.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => shop.applyTriggers());

/** The shop's mapping with another text in it; returns its file. */
function changed(text: string, by: string): string {
  const file = join(folder, 'hubspot-outbox.yaml');
  writeFileSync(file, readFileSync(shopMapping, 'utf8').replace(text, by));
  return file;
}

const forget = () => shop.application.query('DELETE FROM hubspot_object');

/** The lines for people, and what the log says of it; the command goes on whatever is missing. */
async function warnings(command: string, mapping = shopMapping) {
  const { code, out, err } = await runProgram(['--config', mapping, command], shop.env);
  expect(`${code} ${out}`).toMatch(command === 'once' ? /^0 \d+ synced/ : /^0 .*records enqueued/s);
  const lines = err.split('\n').filter((line) => line !== '');
  const logged = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  return { lines: lines.filter((line) => !line.startsWith('{')), logged };
}

describe.each(['once', 'backfill'])('%s', (command) => {
  it('says nothing where triggers were applied', async () => {
    expect(await warnings(command)).toEqual({ lines: [], logged: [] });
    const settings = changed('schedule:', 'calls_per_day: 1000000\n  schedule:');
    expect(await warnings(command, settings)).toEqual({ lines: [], logged: [] });
  });

  it('warns once of each object whose triggers were never applied', async () => {
    await forget();
    const reason = 'its triggers were never applied, so no change is noted';
    const { lines, logged } = await warnings(command);
    expect(lines).toEqual(['contacts', 'orders'].map((object) => `Warning: ${object}: ${reason}. Run: ${REMEDY}`));
    const told = logged.map(({ msg, object, reason: why, remedy }) => [msg, object, why, remedy]);
    const expected = ['contacts', 'orders'].map((object) => ['triggers are not applied', object, reason, REMEDY]);
    expect(told).toEqual(command === 'once' ? expected : []);
  });

  it('warns of triggers that were dropped', async () => {
    await shop.dropTriggers();
    const { lines } = await warnings(command);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe(`Warning: contacts: its triggers were dropped, so no change is noted. Run: ${REMEDY}`);
  });

  it('warns of an object that the mapping has changed since, and of no other', async () => {
    const query = changed('u.company,', 'UPPER(u.company) AS company,');
    const why = 'since triggers were applied the query changed';
    expect((await warnings(command, query)).lines).toEqual([`Warning: contacts: ${why}. Run: ${REMEDY}`]);
    const zone = changed('time_zone: Europe/Berlin #', 'time_zone: UTC #');
    expect((await warnings(command, zone)).lines).toEqual([
      `Warning: contacts: since triggers were applied time_zone was Europe/Berlin and is UTC. Run: ${REMEDY}`,
    ]);
  });
});

it('a worker that would take rows for the records of another type does not start', async () => {
  await shop.must('backfill');
  await shop.must('once');
  await shop.sandbox.clearCalls();
  const { code, err } = await runProgram(['--config', changed('type: deals', 'type: companies'), 'once'], shop.env);
  expect(code).toBe(2);
  expect(err).toContain('objects.orders.type: it was deals and is companies');
  expect(await shop.sandbox.calls()).toEqual([]);
});

describe('a worker', () => {
  it('warns once and is degraded, until triggers are applied', async () => {
    await forget();
    const worker = startProgram(['--config', shopMapping, 'run'], shop.env);
    try {
      const listening = () => worker.out().match(/"url":"(http:\/\/127\.0\.0\.1:\d+)","msg":"listening"/)?.[1];
      await until(() => listening() !== undefined);
      const health = async () => (await fetch(`${listening()}/health`)).json() as Promise<{ reasons: string[] }>;
      const sentence = `the triggers of contacts are not those of the mapping: ${REMEDY}`;
      expect(await health()).toMatchObject({ status: 'degraded', reasons: expect.arrayContaining([sentence]) });
      await shop.applyTriggers();
      await until(async () => !(await health()).reasons.includes(sentence));
    } finally {
      worker.child.kill('SIGTERM');
    }
    const { code, err } = await worker.finished;
    expect(`${code} ${err}`).toBe('0 ');
    expect(worker.out().match(/"level":"warn".*"object":"contacts".*"msg":"triggers are not applied"/g)).toHaveLength(
      1,
    );
  });
});
