import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram, type Started, startProgram, until } from '../support/program.ts';

describe('hubspot-outbox sandbox', () => {
  let started: Started;
  beforeAll(async () => {
    started = startProgram(['sandbox', '--port', '0', '--token', 'pat-mine', '--plan', 'free', '--latency', '1']);
    await until(() => started.out().includes('Ctrl-C') || started.err() !== '');
  });
  afterAll(() => started.child.kill('SIGKILL'));

  const address = () => /HUBSPOT_BASE_URL=(\S+)/.exec(started.out())?.[1] ?? '';

  it('says what to set, and answers there with the token it was given', async () => {
    expect(started.out()).toContain('HUBSPOT_ACCESS_TOKEN=pat-mine');
    const headers = { authorization: 'Bearer pat-mine' };
    const response = await fetch(`${address()}/crm/v3/objects/contacts`, { headers });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-hubspot-ratelimit-max')).toBe('100');
    expect((await fetch(`${address()}/crm/v3/objects/contacts`)).status).toBe(401);
  });

  it('stops on a signal although a call hangs, with code 0', async () => {
    const hung = fetch(`${address()}/__sandbox/faults`, { method: 'POST', body: '{"action": "hang"}' }).then(() =>
      fetch(`${address()}/x`, { headers: { authorization: 'Bearer pat-mine' } }),
    );
    const cut = expect(hung).rejects.toThrow();
    await until(async () => (await (await fetch(`${address()}/__sandbox/calls`)).text()).includes('"/x"'));
    started.child.kill('SIGTERM');
    expect(await started.finished).toMatchObject({ code: 0, err: '' });
    await cut;
  });

  it('says as JSON where it listens', async () => {
    const machine = startProgram(['sandbox', '--port', '0', '--json']);
    await until(() => machine.out().includes('\n'));
    expect(JSON.parse(machine.out())).toEqual({
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      token: 'pat-sandbox',
    });
    machine.child.kill('SIGINT');
    expect((await machine.finished).code).toBe(0);
  });

  it('says that its port is taken, and what to do, with code 2', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, out, err } = await runProgram(['sandbox', '--port', String(port)]);
    other.close();
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toBe(
      `Error: something listens on port ${port} of 127.0.0.1 already\nTry: hubspot-outbox sandbox --port 0, which picks a free one\n`,
    );
  });

  it.each([
    [['--port', '65536'], '65536'],
    [['--port', 'http'], 'http'],
    [['--latency', '-1'], '-1'],
    [['--plan', 'gold'], 'starter'],
    [['--token', ''], 'token'],
  ])('refuses %j with code 2', async (args, said) => {
    const { code, out, err } = await runProgram(['sandbox', ...args]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^Error: /);
    expect(err).toContain(said);
  });
});
