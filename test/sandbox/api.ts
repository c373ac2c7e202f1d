import type { TestSandbox } from '../support/sandbox.ts';

export type Result = { id: string; properties: Record<string, string>; new?: boolean; objectWriteTraceId?: string };
export type ErrorEntry = { category: string; message: string; context?: Record<string, string[]> };
export type Body = {
  results: Result[];
  errors?: ErrorEntry[];
  numErrors?: number;
  message?: string;
  category?: string;
};

export type Answered<T = Body> = { status: number; headers: Headers; body: T; text: string };

/** Any call of HubSpot's API, answered as it stands. */
export async function call<T = Body>(
  { url, token }: Pick<TestSandbox, 'url' | 'token'>,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answered<T>> {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parse(text) as T, text };
}

export function batch(sandbox: TestSandbox, operation: string, inputs: object[], type = 'contacts', more: object = {}) {
  return call(sandbox, 'POST', `/crm/v3/objects/${type}/batch/${operation}`, { inputs, ...more });
}

/** An input of an upsert by e-mail; without a trace id unless one is given. */
export function contact(email: string, properties: object = {}, objectWriteTraceId?: string) {
  return { id: email, idProperty: 'email', objectWriteTraceId, properties: { email, ...properties } };
}

/** The same with a trace id of its own. */
export function traced(email: string, properties: object = {}) {
  return contact(email, properties, `trace of ${email}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
