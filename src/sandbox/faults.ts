/** A fault somebody scripted: which calls it meets, and what becomes of them. */
export type Fault = {
  id?: string;
  /** A part of the path, like `batch/upsert`. */
  path?: string;
  /** A text that the request's body holds. */
  contains?: string;
  /** Skip so many calls that match before it begins. */
  skip?: number;
  /** How many calls it meets; all when left out. */
  times?: number;
  /** Wait before anything else. */
  delayMs?: number;
  /** What is answered instead of what HubSpot would say. */
  respond?: { status: number; body?: unknown; text?: string; headers?: Record<string, string> };
  /** Whether the call is carried out nevertheless, and when: at once, or so many milliseconds later. */
  writes?: 'no' | 'now' | number;
  action?: 'hang' | 'reset' | 'truncate' | 'empty-results' | 'drop-results';
};

export class Faults {
  #faults: (Fault & { id: string; seen: number; met: number })[] = [];
  #lastId = 0;

  add(fault: Fault): string {
    const id = fault.id ?? `fault-${++this.#lastId}`;
    this.#faults.push({ ...fault, id, seen: 0, met: 0 });
    return id;
  }

  clear(id?: string): void {
    this.#faults = id === undefined ? [] : this.#faults.filter((fault) => fault.id !== id);
  }

  /** The fault that meets this call, if any. */
  meet(path: string, body: string): Fault | null {
    for (const fault of this.#faults) {
      if (fault.path !== undefined && !path.includes(fault.path)) continue;
      if (fault.contains !== undefined && !body.includes(fault.contains)) continue;
      fault.seen += 1;
      if (fault.seen <= (fault.skip ?? 0) || fault.met >= (fault.times ?? Number.POSITIVE_INFINITY)) continue;
      fault.met += 1;
      return fault;
    }
    return null;
  }
}
