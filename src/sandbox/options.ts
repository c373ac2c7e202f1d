/** How the sandbox behaves; every one can be changed while it runs, through the control routes. */
export type SandboxOptions = {
  token: string;
  plan: 'free' | 'starter' | 'pro' | 'enterprise' | 'unlimited';
  latencyMs: number;
  /** Whether results carry the trace id of their input. Nobody could confirm what HubSpot does, so both can be tried. */
  echoTraceIds: boolean;
  /** `records`: 207 for inputs with trace ids. `quoted` and `silent` refuse whole batches, naming the value or nothing. */
  refusals: 'records' | 'quoted' | 'silent';
  /** How an e-mail that another contact holds is refused. */
  conflicts: 409 | 400;
  /** Keep every call for inspection; off, a million records stay cheap. */
  keepsCalls: boolean;
};

export const defaultOptions: SandboxOptions = {
  token: 'pat-sandbox',
  plan: 'pro',
  latencyMs: 0,
  echoTraceIds: false,
  refusals: 'records',
  conflicts: 409,
  keepsCalls: true,
};

/** https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines */
export const PLANS: Record<SandboxOptions['plan'], { per10s: number; daily: number }> = {
  free: { per10s: 100, daily: 250_000 },
  starter: { per10s: 100, daily: 250_000 },
  pro: { per10s: 190, daily: 650_000 },
  enterprise: { per10s: 190, daily: 1_000_000 },
  unlimited: { per10s: Number.POSITIVE_INFINITY, daily: Number.POSITIVE_INFINITY },
};
