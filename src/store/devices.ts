import type { Device, DeviceStore } from '../contracts/device.ts'
import { scopes, type Scope } from '../contracts/scope.ts'
import type { Database, Row } from '../contracts/store.ts'
import { integer, json, text, textOrNull } from './rows.ts'

const COLUMNS = 'id, public_key, name, scopes, token_hash, token_expires_at, claim_until, approved_by, created_at, last_used_at, revoked_at, version'

export function createDeviceStore(database: Database): DeviceStore {
  return {
    async list() {
      return (await database.query(`SELECT ${COLUMNS} FROM devices ORDER BY created_at, id`, [])).map(toDevice)
    },
    async save(device, seen) {
      const { id, publicKey, name, tokenHash, tokenExpiresAt, claimUntil, approvedBy, createdAt, lastUsedAt, revokedAt, version } = device
      const held = seen.map((other) => ({
        sql: 'UPDATE devices SET version = version WHERE id = $1 AND version = $2 AND revoked_at IS NULL',
        params: [other.id, other.version],
        expectChanges: 1,
      }))
      const values = [
        id,
        publicKey,
        name,
        JSON.stringify(device.scopes),
        tokenHash,
        tokenExpiresAt,
        claimUntil,
        approvedBy,
        createdAt,
        lastUsedAt,
        revokedAt,
        version,
      ]
      await database.commit([
        ...held,
        version === 0
          ? {
              // Where the device is there already, nothing changes, and that is a conflict.
              sql: `INSERT INTO devices (${COLUMNS}) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 + 1 WHERE NOT EXISTS (SELECT 1 FROM devices WHERE id = $1)`,
              params: values,
              expectChanges: 1,
            }
          : {
              sql: `UPDATE devices SET name = $3, scopes = $4, token_hash = $5, token_expires_at = $6, claim_until = $7, approved_by = $8, created_at = $9,
                last_used_at = $10, revoked_at = $11, version = $12 + 1 WHERE id = $1 AND public_key = $2 AND version = $12`,
              params: values,
              expectChanges: 1,
            },
      ])
    },
    touch: (id, at) => database.commit([{ sql: 'UPDATE devices SET last_used_at = $2 WHERE id = $1', params: [id, at] }]),
    remove: (id) => database.commit([{ sql: 'DELETE FROM devices WHERE id = $1', params: [id] }]),
  }
}

function toDevice(row: Row): Device {
  return {
    id: text(row, 'id'),
    publicKey: text(row, 'public_key'),
    name: text(row, 'name'),
    scopes: json(text(row, 'scopes'), areScopes),
    tokenHash: textOrNull(row, 'token_hash'),
    tokenExpiresAt: integerOrNull(row, 'token_expires_at'),
    claimUntil: integerOrNull(row, 'claim_until'),
    approvedBy: text(row, 'approved_by'),
    createdAt: integer(row, 'created_at'),
    lastUsedAt: integerOrNull(row, 'last_used_at'),
    revokedAt: integerOrNull(row, 'revoked_at'),
    version: integer(row, 'version'),
  }
}

function integerOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : integer(row, column)
}

function areScopes(value: unknown): value is Scope[] {
  return Array.isArray(value) && value.every((scope) => scopes.some((known) => known === scope))
}
