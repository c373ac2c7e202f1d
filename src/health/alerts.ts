import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../log.ts';
import { type AlertRules, type AlertState, decideAlert, defaultAlertRules, nothingTold } from './decideAlert.ts';
import type { Report } from './health.ts';

export type AlertsOptions = {
  /** Takes `{ "text": … }`, as Slack does. Secret. */
  webhookUrl: string;
  log: Log;
  rules?: AlertRules;
  timeoutMs?: number;
  /** How long to wait before the second, the third … attempt. */
  retryMs?: readonly number[];
};

const TIMEOUT_MS = 5_000;
const RETRY_MS = [1_000, 5_000];
const LONGEST_RETRY_AFTER_MS = 30_000;

/**
 * Tells people by a webhook. States: idle → posting → idle. One message is on its way at most, and while it is nothing
 * is decided, so what changes meanwhile is joined into the next. What did not arrive counts as not told.
 */
export class Alerts {
  readonly #options: Required<AlertsOptions>;
  readonly #closing = new AbortController();
  #state: AlertState = nothingTold;
  #posting: Promise<void> | null = null;
  #isFailing = false;

  constructor(options: AlertsOptions) {
    this.#options = { rules: defaultAlertRules, timeoutMs: TIMEOUT_MS, retryMs: RETRY_MS, ...options };
  }

  /** To be called every few seconds; returns at once and never throws. */
  observe(report: Report, now = Date.now()): void {
    if (this.#posting !== null || this.#closing.signal.aborted) return;
    const { next, message } = decideAlert(this.#state, report, this.#options.rules, now);
    this.#state = next;
    if (message === null) return;
    this.#posting = this.#post(message.text).then((isTold) => {
      if (isTold) this.#state = message.ifTold;
      this.#posting = null;
    });
  }

  /** Ends what is on its way. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#posting;
  }

  async #post(text: string): Promise<boolean> {
    const { retryMs, log } = this.#options;
    let failure = '';
    for (const pauseMs of [...retryMs, null]) {
      const result = await this.#attempt(text);
      if (result.isTold) {
        this.#isFailing = false;
        return true;
      }
      failure = result.failure;
      if (pauseMs === null || !result.mayRetry || this.#closing.signal.aborted) break;
      const waitMs = Math.min(Math.max(pauseMs, result.retryAfterMs), LONGEST_RETRY_AFTER_MS);
      await delay(waitMs, undefined, { signal: this.#closing.signal, ref: false }).catch(() => {});
    }
    // The address is a secret, and an error may hold it: only a status or a code is told, and once.
    if (!this.#isFailing && !this.#closing.signal.aborted) log.warn({ reason: failure }, 'alert not delivered');
    this.#isFailing = true;
    return false;
  }

  async #attempt(text: string): Promise<Attempt> {
    const { webhookUrl, timeoutMs } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(webhookUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text }),
        redirect: 'manual',
        signal: AbortSignal.any([timeout, this.#closing.signal]),
      });
      await response.body?.cancel();
      if (response.ok) return { isTold: true };
      const { status } = response;
      const retryAfterMs = Number(response.headers.get('retry-after') ?? 0) * 1_000 || 0;
      return { isTold: false, failure: `HTTP ${status}`, mayRetry: status === 429 || status >= 500, retryAfterMs };
    } catch (error) {
      const failure = timeout.aborted ? 'timeout' : codeOf(error);
      return { isTold: false, failure, mayRetry: true, retryAfterMs: 0 };
    }
  }
}

type Attempt = { isTold: true } | { isTold: false; failure: string; mayRetry: boolean; retryAfterMs: number };

function codeOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: string } };
  return cause?.code ?? (error as Error).name;
}
