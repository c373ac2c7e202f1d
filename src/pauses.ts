import type { Db } from './database/connect.ts';
import type { Gate, Pause } from './gate.ts';
import { readResumes, storePause } from './outbox/objects.ts';

/**
 * The pauses of a worker, as `hubspot_object` shows them to people, who may end one with `resume`. The gate decides; what
 * could not be written down at once, since the database was away, is at the next look.
 */
export class Pauses {
  readonly #db: Db;
  readonly #gate: Gate;
  readonly #objects: readonly string[];
  readonly #shown = new Map<string, string | null>();
  #resumes = new Map<string, string | null>();

  constructor(db: Db, gate: Gate, objects: readonly string[]) {
    this.#db = db;
    this.#gate = gate;
    this.#objects = objects;
  }

  /** Whatever stands there was an earlier worker's. */
  async begin(): Promise<void> {
    this.#shown.clear();
    await this.show();
    this.#resumes = await readResumes(this.#db);
  }

  async pause(object: string, pause: Pause): Promise<void> {
    if (!this.#gate.pause(object, pause)) return;
    // Only what is asked for from now on is about this pause.
    this.#resumes = await readResumes(this.#db);
    await this.show();
  }

  /** HubSpot answered for an object: whatever paused it is mended. */
  async end(object: string): Promise<void> {
    if (this.#gate.open(object)) await this.show();
  }

  /** Goes on with the objects somebody asked for; returns them, each with the code it was paused for. */
  async noticeResumes(): Promise<{ object: string; code: string | undefined }[]> {
    if (this.#gate.paused().size === 0) return [];
    const resumes = await readResumes(this.#db);
    const asked = this.#objects.filter(
      (object) => (resumes.get(object) ?? null) !== (this.#resumes.get(object) ?? null),
    );
    this.#resumes = resumes;
    const resumed = asked.map((object) => ({ object, code: this.#gate.paused().get(object)?.code }));
    for (const object of asked) await this.end(object);
    return resumed;
  }

  /** Writes down what is paused, where that is not what stands there. A pause of everything is told of every object. */
  async show(): Promise<void> {
    const paused = this.#gate.paused();
    for (const object of this.#objects) {
      const pause = paused.get(object) ?? paused.get('*') ?? null;
      const code = pause?.code ?? null;
      if (this.#shown.get(object) === code) continue;
      await storePause(this.#db, object, pause);
      this.#shown.set(object, code);
    }
  }
}
