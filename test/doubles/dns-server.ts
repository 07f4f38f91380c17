/** A name server on loopback (RFC 1035) for A and AAAA, whose answers a test chooses for each question. */
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Resolve } from '../../src/contracts/egress.ts'
import { AppError } from '../../src/contracts/errors.ts'

export interface DnsServer {
  /** Every question, for example `A rebind.site.example`. */
  readonly questions: readonly string[]
  /** Asks this server as a real client would: A and AAAA. */
  readonly resolve: Resolve
  close(): Promise<void>
}

/** `answer` gives the addresses of a name at its `count`th question of that kind, the first being 0; those of the other kind are left out. */
export type Answers = (name: string, count: number) => readonly string[]

export async function startDnsServer(answer: Answers): Promise<DnsServer> {
  const socket = createSocket('udp4')
  const questions: string[] = []
  socket.on('message', (message, from) => {
    const question = readQuestion(message)
    const line = `${question.kind} ${question.name}`
    const count = questions.filter((earlier) => earlier === line).length
    questions.push(line)
    const wanted = question.kind === 'A' ? 4 : 6
    const addresses = answer(question.name, count).filter((address) => isIP(address) === wanted)
    socket.send(reply(message, question.end, addresses), from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const resolver = new Resolver({ timeout: 2000, tries: 1 })
  resolver.setServers([`127.0.0.1:${socket.address().port}`])
  return {
    questions,
    async resolve(hostname, signal) {
      signal.throwIfAborted()
      const none = (): readonly string[] => []
      const found = await Promise.all([resolver.resolve4(hostname).catch(none), resolver.resolve6(hostname).catch(none)])
      if (found.flat().length === 0) throw new AppError('net/unreachable', hostname)
      return found.flat()
    },
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

interface Question {
  readonly name: string
  readonly kind: 'A' | 'AAAA'
  /** Where it ends in the message. */
  readonly end: number
}

function readQuestion(message: Buffer): Question {
  const labels: string[] = []
  let at = 12
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), kind: message.readUInt16BE(at + 1) === 28 ? 'AAAA' : 'A', end: at + 5 }
}

/** The question again, and a record with TTL 0 for each address; the name points back at the question. */
function reply(message: Buffer, end: number, addresses: readonly string[]): Buffer {
  const head = Buffer.from(message.subarray(0, end))
  head.writeUInt16BE(0x8580, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(addresses.length, 6)
  head.writeUInt32BE(0, 8)
  const records = addresses.map((address) => {
    const bytes = addressBytes(address)
    const record = Buffer.alloc(12)
    record.writeUInt16BE(0xc00c, 0)
    record.writeUInt16BE(bytes.length === 4 ? 1 : 28, 2)
    record.writeUInt16BE(1, 4)
    record.writeUInt16BE(bytes.length, 10)
    return Buffer.concat([record, bytes])
  })
  return Buffer.concat([head, ...records])
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  const [left = '', right] = address.split('::')
  const groups = (text: string) => text.split(':').filter((group) => group !== '')
  const before = groups(left)
  const behind = groups(right ?? '')
  const zeros: string[] = right === undefined ? [] : Array.from({ length: 8 - before.length - behind.length }, () => '0')
  return Buffer.from([...before, ...zeros, ...behind].map((group) => group.padStart(4, '0')).join(''), 'hex')
}
