import { setTimeout as delay } from 'node:timers/promises';
import { type Started, startProgram, until } from '../support/program.ts';

export type Death = 'SIGTERM' | 'SIGKILL' | 'frozen' | 'by itself';

type Member = { n: number; worker: Started; isFrozen: boolean; wasEnded: boolean };

/** `stop_within_ms` is 2 s; the rest is for a machine that is busy with other things. */
const PATIENCE_MS = 60_000;

/** Worker processes that come and go. */
export class Fleet {
  readonly deaths: Record<Death, number> = { SIGTERM: 0, SIGKILL: 0, frozen: 0, 'by itself': 0 };
  /** What workers said that ended by themselves, or ended badly when they were told to. */
  readonly complaints: string[] = [];
  /** Log lines and moments, for the trail. */
  readonly said: { at: number; n: number; text: string }[] = [];
  readonly #mapping: string;
  readonly #env: Record<string, string>;
  #members: Member[] = [];
  #count = 0;

  constructor(mapping: string, env: Record<string, string>) {
    this.#mapping = mapping;
    this.#env = env;
    process.on('exit', () => {
      for (const { worker } of this.#members) worker.child.kill('SIGKILL');
    });
  }

  get size(): number {
    return this.#members.length;
  }

  /** How many were started so far. */
  get started(): number {
    return this.#count;
  }

  /** Those that are not frozen. */
  get awake(): Member[] {
    return this.#members.filter(({ isFrozen }) => !isFrozen);
  }

  /** Starts one; does not wait until it is up. */
  start(): Member {
    const worker = startProgram(['--config', this.#mapping, 'run'], this.#env);
    const member = { n: ++this.#count, worker, isFrozen: false, wasEnded: false };
    this.#members.push(member);
    this.#note(member, `started, process ${worker.child.pid}`);
    worker.child.stdout?.on('data', (text: Buffer) => this.#hear(member, text.toString()));
    void worker.finished.then(({ code, err }) => {
      this.#members = this.#members.filter((each) => each !== member);
      this.#note(member, `ended with ${code}`);
      const complaint = err
        .split('\n')
        .filter((line) => line !== '' && !line.includes('[NODE-CRON]'))
        .join('\n');
      if (member.wasEnded && complaint === '') return;
      if (!member.wasEnded) this.deaths['by itself'] += 1;
      // Whoever cannot start says why and leaves; who started goes on without help.
      const isStarting = !worker.out().includes('"started"');
      if (code === 1 && isStarting && complaint.startsWith('Error: the connection to the database was lost')) return;
      this.complaints.push(`worker ${member.n} ended with ${code}: ${complaint}`);
    });
    return member;
  }

  /** Tells one to stop, which it does long before this loses patience. */
  async terminate(member: Member): Promise<void> {
    this.#kill(member, 'SIGTERM');
    const patience = setTimeout(() => {
      this.complaints.push(
        `worker ${member.n} did not stop within ${PATIENCE_MS / 1_000} s: ${member.worker.out().slice(-500)}`,
      );
      member.worker.child.kill('SIGKILL');
    }, PATIENCE_MS);
    await member.worker.finished;
    clearTimeout(patience);
  }

  async kill(member: Member): Promise<void> {
    this.#kill(member, 'SIGKILL');
    await member.worker.finished;
  }

  /** Holds one still for so long; a call of its own may be under way meanwhile. */
  async freeze(member: Member, forMs: number): Promise<void> {
    this.deaths.frozen += 1;
    member.isFrozen = true;
    this.#note(member, 'SIGSTOP');
    member.worker.child.kill('SIGSTOP');
    await delay(forMs);
    this.#note(member, 'SIGCONT');
    member.worker.child.kill('SIGCONT');
    member.isFrozen = false;
  }

  /** Wakes and stops all. */
  async stop(): Promise<void> {
    const members = [...this.#members];
    for (const { worker } of members) worker.child.kill('SIGCONT');
    await Promise.all(members.map((member) => this.terminate(member)));
  }

  /** Whatever happened, nothing is left. */
  async destroy(): Promise<void> {
    for (const { worker } of this.#members) worker.child.kill('SIGKILL');
    await until(() => this.#members.length === 0);
  }

  #kill(member: Member, signal: 'SIGTERM' | 'SIGKILL'): void {
    member.wasEnded = true;
    this.deaths[signal] += 1;
    this.#note(member, signal);
    member.worker.child.kill(signal);
  }

  #hear(member: Member, text: string): void {
    for (const line of text.split('\n')) if (line.trim() !== '') this.#note(member, line);
  }

  #note({ n }: Member, text: string): void {
    this.said.push({ at: Date.now(), n, text });
  }
}
