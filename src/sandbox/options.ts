import { z } from 'zod';

export const optionsSchema = z.strictObject({
  token: z.string().min(1),
  /** Whose limits it has. */
  plan: z.enum(['free', 'starter', 'pro', 'enterprise', 'unlimited']),
  /** Other limits than the plan's; null for the plan's. */
  callsPer10s: z.int().positive().nullable(),
  callsPerDay: z.int().positive().nullable(),
  /** How long each call takes. */
  latencyMs: z.int().nonnegative(),
  /** Whether results carry the trace id of their input. Nobody could confirm what HubSpot does, so both can be tried. */
  echoTraceIds: z.boolean(),
  /** `records`: 207 for inputs with trace ids. `quoted` and `silent` refuse whole batches, naming the value or nothing. */
  refusals: z.enum(['records', 'quoted', 'silent']),
  /** How a unique value that another record holds is refused. */
  conflicts: z.literal([409, 400]),
  /** What the token may do, like `crm.objects.contacts.write`; null for everything. */
  scopes: z.array(z.string()).nullable(),
  /** Keep every call for inspection; off, a million records stay cheap. */
  keepsCalls: z.boolean(),
});

/** How the sandbox behaves; every one can be changed while it runs, through the control routes. */
export type SandboxOptions = z.infer<typeof optionsSchema>;

export const defaultOptions: SandboxOptions = {
  token: 'pat-sandbox',
  plan: 'pro',
  callsPer10s: null,
  callsPerDay: null,
  latencyMs: 0,
  echoTraceIds: false,
  refusals: 'records',
  conflicts: 409,
  scopes: null,
  keepsCalls: true,
};

/** https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines */
const PLANS: Record<SandboxOptions['plan'], { per10s: number; daily: number }> = {
  free: { per10s: 100, daily: 250_000 },
  starter: { per10s: 100, daily: 250_000 },
  pro: { per10s: 190, daily: 650_000 },
  enterprise: { per10s: 190, daily: 1_000_000 },
  unlimited: { per10s: Number.POSITIVE_INFINITY, daily: Number.POSITIVE_INFINITY },
};

/** Calls that are allowed; infinite when there is no limit. */
export function allowance({ plan, callsPer10s, callsPerDay }: SandboxOptions): { per10s: number; daily: number } {
  return { per10s: callsPer10s ?? PLANS[plan].per10s, daily: callsPerDay ?? PLANS[plan].daily };
}
