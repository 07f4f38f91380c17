/** A device on the other side of the wire, which can also be made to lie. */
import assert from 'node:assert/strict'
import { connectText, pairingText } from '../../src/contracts/device.ts'
import { keyId, makeSigningKey, signText, type SigningKey } from '../../src/std/ed25519.ts'
import type { Answer, OpenDoors } from './open-doors.ts'
import { CONNECT, openSocket, type SocketClient } from './socket-client.ts'

export interface TestDevice {
  readonly key: SigningKey
  readonly id: string
  token: string
}

export function makeDevice(): TestDevice {
  const key = makeSigningKey()
  return { key, id: keyId(key.publicKey), token: '' }
}

export const post = (doors: Pick<OpenDoors, 'ask'>, path: string, body: object): Promise<Answer> =>
  doors.ask(path, { method: 'POST', token: null, body: JSON.stringify(body) })

export async function pairingBody(
  doors: Pick<OpenDoors, 'ask'>,
  { key, id }: TestDevice,
  step: 'request' | 'claim',
  { name, scopes }: { readonly name: string; readonly scopes: readonly string[] } = { name: '', scopes: [] },
) {
  const { nonce } = JSON.parse((await post(doors, '/pair/challenge', {})).body)
  const signedAt = Date.now()
  const signature = signText(key, pairingText({ step, deviceId: id, name, scopes, signedAt, nonce }))
  return { publicKey: key.publicKey, nonce, signedAt, signature, ...(step === 'request' ? { name, scopes } : {}) }
}

/** Asks to be admitted; the id of the request. */
export async function ask(doors: OpenDoors, device: TestDevice, scopes: readonly string[] = ['operator.read'], name = 'laptop'): Promise<string> {
  const { status, body } = await post(doors, '/pair/request', await pairingBody(doors, device, 'request', { name, scopes }))
  assert.equal(status, 202, body)
  return JSON.parse(body).requestId
}

export async function claim(doors: OpenDoors, device: TestDevice): Promise<Answer> {
  const answer = await post(doors, '/pair/claim', await pairingBody(doors, device, 'claim'))
  if (answer.status === 200) device.token = JSON.parse(answer.body).deviceToken
  return answer
}

/** `connect` as a device signs it. */
export function proof({ key, id, token }: TestDevice, nonce: string, scopes: readonly string[], signedAt = Date.now()) {
  const text = connectText({ deviceId: id, clientId: CONNECT.client.id, mode: CONNECT.client.mode, role: 'operator', scopes, signedAt, token, nonce })
  return { ...CONNECT, scopes, auth: { token }, device: { id, publicKey: key.publicKey, signature: signText(key, text), signedAt, nonce } }
}

export async function deviceSocket(doors: OpenDoors, device: TestDevice): Promise<{ readonly client: SocketClient; readonly nonce: string }> {
  const client = await openSocket(doors, { headers: { authorization: `Bearer ${device.token}` } })
  return { client, nonce: Object(await client.event('connect.challenge')).nonce }
}

export async function connectDevice(doors: OpenDoors, device: TestDevice, scopes: readonly string[] = ['operator.read']): Promise<SocketClient> {
  const { client, nonce } = await deviceSocket(doors, device)
  const response = await client.call('connect', proof(device, nonce, scopes))
  assert.ok(response.ok, response.error?.message ?? '')
  return client
}

/** Admitted by the owner with these scopes, and its token fetched. */
export async function pairedDevice(doors: OpenDoors, owner: SocketClient, scopes: readonly string[]): Promise<TestDevice> {
  const device = makeDevice()
  const approved = await owner.call('device.pair.approve', { requestId: await ask(doors, device, scopes), scopes })
  assert.ok(approved.ok, approved.error?.message ?? '')
  assert.equal((await claim(doors, device)).status, 200)
  return device
}
