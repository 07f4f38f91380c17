/** The program: the command line over the services that only the composition root has. Nothing heavier is loaded before a command asks for it. */
import { readEnvironment } from '../config/env.ts'
import { runCli } from '../cli/main.ts'
import { endProcess, processTerminal } from '../cli/terminal.ts'
import { createServices } from './services.ts'
import { version } from './version.ts'

const env = readEnvironment()
const code = await runCli(process.argv.slice(2), { io: processTerminal(env), env, version, services: createServices(env, true) })
endProcess(code)
