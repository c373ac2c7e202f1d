import { randomUUID } from 'node:crypto';

/** What stands in an answer: `body` goes out as JSON, `text` as HTML, neither as nothing at all. */
export type Reply = { status: number; body?: unknown; text?: string; headers?: Record<string, string> };

/** What HubSpot is known to answer instead of carrying a call out, whatever the call. */
export const ANSWERS = {
  unauthorized: () => problem(401, 'INVALID_AUTHENTICATION', 'Authentication credentials not found.'),
  expired: () => problem(401, 'EXPIRED_AUTHENTICATION', 'The OAuth token used to make this call expired.'),
  'missing-scopes': () => missingScopes(['crm.objects.contacts.write']),
  locked: () => problem(423, 'LOCKED', 'Too many records were changed in a very short period.'),
  secondly: () => limitReached('SECONDLY'),
  'ten-secondly': () => limitReached('TEN_SECONDLY_ROLLING'),
  daily: () => limitReached('DAILY'),
  migrating: () => ({ status: 477, headers: { 'retry-after': '3600' } }),
  'server-error': () => problem(500, 'INTERNAL_ERROR', 'internal error'),
  'bad-gateway': () => page(502, 'Bad Gateway'),
  unavailable: () => page(503, 'Service Unavailable'),
  'web-server-down': () => page(521, 'Web server is down'),
  'timed-out': () => page(524, 'A timeout occurred'),
} satisfies Record<string, () => Reply>;

export type AnswerName = keyof typeof ANSWERS;

/** A refusal with a body, as HubSpot words it. */
export function problem(status: number, category: string, message: string, more: object = {}): Reply {
  return { status, body: { status: 'error', message, correlationId: randomUUID(), category, ...more } };
}

export function refusal(message: string, more: object = {}): Reply {
  return problem(400, 'VALIDATION_ERROR', message, more);
}

export function limitReached(policyName: 'SECONDLY' | 'TEN_SECONDLY_ROLLING' | 'DAILY'): Reply {
  const message = `You have reached your ${policyName.toLowerCase()} limit.`;
  return {
    status: 429,
    body: { status: 'error', message, errorType: 'RATE_LIMIT', correlationId: randomUUID(), policyName },
  };
}

export function missingScopes(requiredGranularScopes: string[]): Reply {
  const errors = [
    { message: 'One or more of the following scopes are required.', context: { requiredGranularScopes } },
  ];
  return problem(403, 'MISSING_SCOPES', "This app hasn't been granted all required scopes to make this call.", {
    errors,
  });
}

function page(status: number, title: string): Reply {
  return { status, text: `<!DOCTYPE html><html><head><title>${title}</title></head><body>${title}</body></html>` };
}
