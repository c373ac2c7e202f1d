import { z } from 'zod';
import { ANSWERS, type AnswerName, type Reply } from './answers.ts';

export const faultSchema = z.strictObject({
  id: z.string().optional(),
  /** A part of the path, like `batch/upsert`. */
  path: z.string().optional(),
  /** A text that the request's body holds: `"boom@example.com"` makes one record crash HubSpot. */
  contains: z.string().optional(),
  /** Skip so many calls that match before it begins. */
  skip: z.int().nonnegative().optional(),
  /** How many calls it meets; all when left out. */
  times: z.int().positive().optional(),
  /** Wait before anything else. */
  delayMs: z.int().nonnegative().optional(),
  /** What is answered instead of what HubSpot would say: one of its known answers by name, … */
  answer: z.enum(Object.keys(ANSWERS) as [AnswerName, ...AnswerName[]]).optional(),
  /** … or anything; of a known answer it changes what it names. */
  respond: z
    .strictObject({
      status: z.int().min(200).max(599).optional(),
      body: z.unknown().optional(),
      text: z.string().optional(),
      headers: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
  /** Whether the call is carried out nevertheless, and when: at once, or so many milliseconds later. */
  writes: z.union([z.enum(['no', 'now']), z.int().nonnegative()]).optional(),
  /**
   * `hang` never answers, `reset` cuts the connection, `stall` and `cut` do so in the middle of the body; `truncate`
   * ends the body there as if it were whole; the others leave out results.
   */
  action: z.enum(['hang', 'reset', 'stall', 'cut', 'truncate', 'empty-results', 'drop-results']).optional(),
});

/** A fault somebody scripted: which calls it meets, and what becomes of them. */
export type Fault = z.infer<typeof faultSchema>;

type Scripted = Fault & { id: string; seen: number; met: number };

/** The first fault that matches a call meets it. */
export class Faults {
  #faults: Scripted[] = [];
  #lastId = 0;

  add(fault: Fault): string {
    const id = fault.id ?? `fault-${++this.#lastId}`;
    this.#faults.push({ ...fault, id, seen: 0, met: 0 });
    return id;
  }

  list(): readonly Scripted[] {
    return this.#faults;
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

/** What a fault answers instead of HubSpot; null when HubSpot speaks for itself. */
export function replyOf({ answer, respond }: Fault): Reply | null {
  if (answer === undefined && respond === undefined) return null;
  const known: Reply = answer === undefined ? { status: 200 } : ANSWERS[answer]();
  const { status = known.status, body = known.body, text = known.text, headers = {} } = respond ?? {};
  return { status, body, ...(text === undefined ? {} : { text }), headers: { ...known.headers, ...headers } };
}
