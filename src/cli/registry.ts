/** Every command, in the order of the help. A line loads nothing until its command is called. */
import type { RegistryEntry } from './command.ts'

export const registry: readonly RegistryEntry[] = [
  { name: 'start', summary: 'Start the gateway; on a terminal, chat with it', load: async () => (await import('./commands/start.ts')).command },
  { name: 'chat', summary: 'Chat on the terminal', load: async () => (await import('./commands/chat.ts')).command },
  { name: 'ask', summary: 'One question, one answer, for scripts', load: async () => (await import('./commands/ask.ts')).command },
  { name: 'setup', summary: 'Connect a model', load: async () => (await import('./commands/setup.ts')).command },
  { name: 'verify', summary: 'Try whether it works, end to end', load: async () => (await import('./commands/verify.ts')).command },
  { name: 'status', summary: 'What the gateway is doing', load: async () => (await import('./commands/status.ts')).command },
  { name: 'models', summary: 'Models and routes that can be used', load: async () => (await import('./commands/models.ts')).command },
  { name: 'sessions', summary: 'Conversations that are kept', load: async () => (await import('./commands/sessions.ts')).group },
  {
    name: 'approvals',
    summary: 'Calls that wait for your word, and what you allowed',
    load: async () => (await import('./commands/approvals.ts')).group,
  },
  {
    name: 'why',
    summary: 'Why something was refused or asked about, and how to unlock it',
    load: async () => (await import('./commands/why.ts')).command,
  },
  { name: 'turns', summary: 'Turns: where each stands, and what it did', load: async () => (await import('./commands/turns.ts')).group },
  {
    name: 'undo',
    summary: 'Take back what the assistant wrote to your files and notes',
    load: async () => (await import('./commands/undo.ts')).command,
  },
  { name: 'usage', summary: 'Tokens and cost', load: async () => (await import('./commands/usage.ts')).command },
  { name: 'messages', summary: 'Places that messages may be sent to', load: async () => (await import('./commands/messages.ts')).group },
  { name: 'logs', summary: 'Log lines of the gateway', load: async () => (await import('./commands/logs.ts')).command },
  { name: 'audit', summary: 'Receipts of what was decided and done', load: async () => (await import('./commands/audit.ts')).group },
  { name: 'db', summary: 'The database: what it holds, whether it is sound', load: async () => (await import('./commands/db.ts')).group },
  { name: 'token', summary: 'The token of the gateway, for your own programs', load: async () => (await import('./commands/token.ts')).command },
  { name: 'secrets', summary: 'Secrets: names, hosts, sealing, keys', load: async () => (await import('./commands/secrets.ts')).group },
  { name: 'auth', summary: 'How people log in', load: async () => (await import('./commands/auth.ts')).group },
  { name: 'devices', summary: 'Machines that may use this gateway', load: async () => (await import('./commands/devices.ts')).group },
  { name: 'security', summary: 'How safe this installation is', load: async () => (await import('./commands/security.ts')).group },
  { name: 'pair', summary: 'Make this machine a device of a gateway elsewhere', load: async () => (await import('./commands/pair.ts')).command },
  { name: 'config', summary: 'Read and change the configuration', load: async () => (await import('./commands/config.ts')).group },
  {
    name: 'doctor',
    summary: 'Check the machine, the state folder, the configuration and the models',
    load: async () => (await import('./commands/doctor.ts')).command,
  },
  { name: 'version', summary: 'Version and platform', load: async () => (await import('./commands/version.ts')).command },
  { name: 'completion', summary: 'Completion script for a shell', load: async () => (await import('./commands/completion.ts')).command },
]
