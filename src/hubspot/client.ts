import {
  BatchApi,
  createConfiguration,
  type RequestContext,
  type ResponseContext,
  ServerConfiguration,
  wrapHttpLibrary,
} from '@hubspot/api-client/lib/codegen/crm/objects/index.js';
import * as properties from '@hubspot/api-client/lib/codegen/crm/properties/index.js';
import type { Pace } from './pace.ts';

/** What HubSpot answered, as it stands. A call never throws for an answer, whatever it is. */
export type Answer = {
  /** Null when none came. */
  status: number | null;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** Parsed JSON; undefined when the body is none. */
  body: unknown;
  failure?: 'timeout' | 'network' | 'aborted';
  latencyMs: number;
};

export type UpsertInput = {
  id: string;
  idProperty: string;
  objectWriteTraceId: string;
  properties: Record<string, string>;
};
export type UpdateInput = { id: string; objectWriteTraceId?: string; properties: Record<string, string> };

export type Hubspot = {
  upsert(type: string, inputs: UpsertInput[], signal: AbortSignal): Promise<Answer>;
  update(type: string, inputs: UpdateInput[], signal: AbortSignal): Promise<Answer>;
  archive(type: string, ids: string[], signal: AbortSignal): Promise<Answer>;
  read(type: string, ids: string[], names: string[], idProperty: string | null, signal: AbortSignal): Promise<Answer>;
  definitions(type: string, signal: AbortSignal): Promise<Answer>;
};

export type HubspotOptions = {
  /** Secret. */
  token: string;
  baseUrl: string;
  timeoutMs: number;
  pace: Pace;
  onAnswer?: (operation: string, answer: Answer) => void;
};

/**
 * HubSpot by its SDK. The SDK builds the request; the answer is read here, because the SDK throws for 201 and 202
 * although the write happened, makes `{}` of HTML, and loses the status of a 5xx without a content type. Its retries
 * and its limiter are not used: they would be one setting for the whole process.
 */
export function createHubspot(options: HubspotOptions): Hubspot {
  return {
    upsert: (type, inputs, signal) => call(options, 'upsert', signal, (batch) => batch.upsert(type, { inputs })),
    update: (type, inputs, signal) => call(options, 'update', signal, (batch) => batch.update(type, { inputs })),
    archive: (type, ids, signal) =>
      call(options, 'archive', signal, (batch) => batch.archive(type, { inputs: ids.map((id) => ({ id })) })),
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
  };
}

async function call(
  options: HubspotOptions,
  operation: string,
  signal: AbortSignal,
  send: (batch: BatchApi) => Promise<unknown>,
): Promise<Answer> {
  return perform(options, operation, signal, (http) =>
    send(
      new BatchApi(
        createConfiguration({
          baseServer: new ServerConfiguration(options.baseUrl, {}),
          httpApi: wrapHttpLibrary({ send: http }),
          authMethods: { oauth2: { accessToken: options.token } },
        }),
      ),
    ),
  );
}

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

/** Ends the SDK's part once the answer is here. */
class Answered extends Error {}

type Http = (request: RequestContext) => Promise<ResponseContext>;

async function perform(
  { pace, timeoutMs, onAnswer }: HubspotOptions,
  operation: string,
  signal: AbortSignal,
  send: (http: Http) => Promise<unknown>,
): Promise<Answer> {
  let answer: Answer | undefined;
  const http: Http = async (request) => {
    answer = await exchange(request, timeoutMs, signal);
    throw new Answered();
  };
  try {
    await pace.acquire(signal);
    await send(http);
  } catch (error) {
    if (answer === undefined && !signal.aborted) throw error;
  }
  const result = answer ?? { status: null, headers: {}, body: undefined, failure: 'aborted', latencyMs: 0 };
  onAnswer?.(operation, result);
  return result;
}

async function exchange(request: RequestContext, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const begun = performance.now();
  const since = () => performance.now() - begun;
  try {
    const response = await fetch(request.getUrl(), {
      method: request.getHttpMethod(),
      headers: request.getHeaders(),
      body: (request.getBody() as string | undefined) ?? null,
      signal: AbortSignal.any([timeout, signal]),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: parse(text),
      latencyMs: since(),
    };
  } catch {
    const failure = signal.aborted ? 'aborted' : timeout.aborted ? 'timeout' : 'network';
    return { status: null, headers: {}, body: undefined, failure, latencyMs: since() };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
