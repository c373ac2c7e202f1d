import {
  BatchApi,
  createConfiguration,
  type RequestContext,
  type ResponseContext,
  ServerConfiguration,
  wrapHttpLibrary,
} from '@hubspot/api-client/lib/codegen/crm/objects/index.js';
import * as properties from '@hubspot/api-client/lib/codegen/crm/properties/index.js';
import { type Breaker, CircuitOpen } from './breaker.ts';
import type { Pace } from './pace.ts';
import { judge } from './responses.ts';

/** What HubSpot answered, as it stands. A call never throws for an answer, whatever it is. */
export type Answer = {
  /** Null when none came. */
  status: number | null;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** Parsed JSON; undefined when the body is none. */
  body: unknown;
  failure?: Failure;
  latencyMs: number;
};

/**
 * Why no answer came. `unsent`: nothing left this machine, since the circuit is open or we are stopping; `unreached`:
 * nobody took the connection. In all other cases HubSpot may have carried the call out, or may still do so.
 */
export type Failure = 'timeout' | 'network' | 'aborted' | 'unsent' | 'unreached';

export type UpsertInput = {
  id: string;
  idProperty: string;
  objectWriteTraceId: string;
  properties: Record<string, string>;
};
export type UpdateInput = { id: string; objectWriteTraceId?: string; properties: Record<string, string> };

/** Asked when a call's turn has come, which may be long after it was wanted: false when it is not to be made any more. */
export type MayStart = () => Promise<boolean>;

export type Hubspot = {
  upsert(type: string, inputs: UpsertInput[], signal: AbortSignal, mayStart?: MayStart): Promise<Answer>;
  update(type: string, inputs: UpdateInput[], signal: AbortSignal, mayStart?: MayStart): Promise<Answer>;
  archive(type: string, ids: string[], signal: AbortSignal, mayStart?: MayStart): Promise<Answer>;
  read(type: string, ids: string[], names: string[], idProperty: string | null, signal: AbortSignal): Promise<Answer>;
  definitions(type: string, signal: AbortSignal): Promise<Answer>;
  /** GET /account-info/v3/details: `timeZone`, `portalId`. */
  account(signal: AbortSignal): Promise<Answer>;
};

export type Operation = keyof Hubspot;

export type HubspotOptions = {
  /** Secret. */
  token: string;
  baseUrl: string;
  timeoutMs: number;
  pace: Pace;
  breaker: Breaker;
  onAnswer?: (operation: Operation, answer: Answer) => void;
};

/**
 * HubSpot by its SDK. The SDK builds the request; the answer is read here, because the SDK throws for 201 and 202
 * although the write happened, makes `{}` of HTML, and loses the status of a 5xx without a content type. Its retries
 * and its limiter are not used: they would be one setting for the whole process. Records go as they are: the SDK copies
 * each of their values first, which makes a tenth of all the garbage there is, and changes nothing.
 */
export function createHubspot(options: HubspotOptions): Hubspot {
  return {
    upsert: (type, inputs, signal, mayStart) =>
      call(options, 'upsert', signal, (batch) => batch.upsert(type, NO_INPUTS), mayStart, { inputs }),
    update: (type, inputs, signal, mayStart) =>
      call(options, 'update', signal, (batch) => batch.update(type, NO_INPUTS), mayStart, { inputs }),
    archive: (type, ids, signal, mayStart) =>
      call(options, 'archive', signal, (batch) => batch.archive(type, { inputs: ids.map((id) => ({ id })) }), mayStart),
    read: (type, ids, names, idProperty, signal) =>
      call(options, 'read', signal, (batch) =>
        batch.read(type, {
          inputs: ids.map((id) => ({ id })),
          properties: names,
          propertiesWithHistory: [],
          ...(idProperty === null ? {} : { idProperty }),
        }),
      ),
    definitions: (type, signal) => readDefinitions(options, type, signal),
    account: (signal) => readAccount(options, signal),
  };
}

const NO_INPUTS = { inputs: [] };

/** @param body goes instead of the one the SDK makes */
async function call(
  options: HubspotOptions,
  operation: Operation,
  signal: AbortSignal,
  send: (batch: BatchApi) => Promise<unknown>,
  mayStart: MayStart = always,
  body?: { inputs: readonly (UpsertInput | UpdateInput)[] },
): Promise<Answer> {
  const request = (http: Http) =>
    send(
      new BatchApi(
        createConfiguration({
          baseServer: new ServerConfiguration(options.baseUrl, {}),
          httpApi: wrapHttpLibrary({ send: http }),
          authMethods: { oauth2: { accessToken: options.token } },
        }),
      ),
    );
  return perform(options, operation, signal, request, mayStart, body);
}

const always: MayStart = async () => true;

async function readDefinitions(options: HubspotOptions, type: string, signal: AbortSignal): Promise<Answer> {
  return perform(options, 'definitions', signal, (http) =>
    new properties.CoreApi(
      properties.createConfiguration({
        baseServer: new properties.ServerConfiguration(options.baseUrl, {}),
        httpApi: properties.wrapHttpLibrary({ send: http as never }),
        authMethods: { oauth2: { accessToken: options.token } },
      }),
    ).getAll(type),
  );
}

/** The SDK has no call for it that takes a transport of ours. */
async function readAccount(options: HubspotOptions, signal: AbortSignal): Promise<Answer> {
  const request = {
    getUrl: () => `${options.baseUrl}/account-info/v3/details`,
    getHttpMethod: () => 'GET',
    getHeaders: () => ({ authorization: `Bearer ${options.token}` }),
  };
  return guarded(options, 'account', signal, () => exchange(request, undefined, options.timeoutMs, signal));
}

/** Ends the SDK's part once the answer is here. */
class Answered extends Error {}

type Http = (request: RequestContext) => Promise<ResponseContext>;
type Request = {
  getUrl(): string;
  getHttpMethod(): string;
  getHeaders(): Record<string, string>;
};

async function perform(
  options: HubspotOptions,
  operation: Operation,
  signal: AbortSignal,
  send: (http: Http) => Promise<unknown>,
  mayStart: MayStart = always,
  body?: object,
): Promise<Answer> {
  const work = async () => {
    let answer: Answer | undefined;
    const http: Http = async (request) => {
      const text = body === undefined ? request.getBody() : JSON.stringify(body);
      answer = await exchange(request, text, options.timeoutMs, signal);
      throw new Answered();
    };
    try {
      await send(http);
    } catch (error) {
      if (answer === undefined) throw error;
    }
    return answer ?? NOTHING_SENT;
  };
  return guarded(options, operation, signal, work, mayStart);
}

const NOTHING_SENT: Answer = { status: null, headers: {}, body: undefined, failure: 'unsent', latencyMs: 0 };

/** A call within the limit and the circuit: it waits for its turn, and is not made at all while HubSpot is away. */
async function guarded(
  { pace, breaker, onAnswer }: HubspotOptions,
  operation: Operation,
  signal: AbortSignal,
  work: () => Promise<Answer>,
  mayStart: MayStart = always,
): Promise<Answer> {
  const answer = await breaker
    .run(
      async () => {
        try {
          await pace.acquire(signal);
        } catch {
          return NOTHING_SENT;
        }
        return (await mayStart()) ? work() : NOTHING_SENT;
      },
      (result) => judge(result).kind === 'fault',
    )
    .catch((error: unknown) => {
      if (error instanceof CircuitOpen) return NOTHING_SENT;
      throw error;
    });
  if (answer.failure !== 'unsent') {
    pace.learn(answer.headers);
    onAnswer?.(operation, answer);
  }
  return answer;
}

async function exchange(request: Request, body: unknown, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const begun = performance.now();
  const since = () => performance.now() - begun;
  try {
    const response = await fetch(request.getUrl(), {
      method: request.getHttpMethod(),
      headers: request.getHeaders(),
      body: (body as string | undefined) ?? null,
      signal: AbortSignal.any([timeout, signal]),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: parse(text),
      latencyMs: since(),
    };
  } catch (error) {
    const failure = signal.aborted ? 'aborted' : timeout.aborted ? 'timeout' : networkFailure(error);
    return { status: null, headers: {}, body: undefined, failure, latencyMs: since() };
  }
}

/** Nobody listened, or the name is not known: then nothing was sent. */
const UNREACHED = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH', 'UND_ERR_CONNECT_TIMEOUT'];

function networkFailure(error: unknown): Failure {
  const { code = '' } = ((error as Error).cause ?? {}) as { code?: string };
  return UNREACHED.includes(code) ? 'unreached' : 'network';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
