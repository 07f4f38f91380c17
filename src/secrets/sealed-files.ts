/** Every file of the state folder whose content the vault sealed: a new one is a line here, so that `cara secrets rotate` seals it again. `place` is what it is bound to. */
export const sealedFiles = {
  token: { file: 'gateway-token.sealed', place: 'gateway-token' },
  audit: { file: 'keys/audit.sealed', place: 'audit-key' },
  paired: { file: 'paired-gateways.sealed', place: 'paired-gateways' },
  data: { file: 'keys/data.sealed', place: 'data-key' },
} as const
