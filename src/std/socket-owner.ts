/**
 * Whose socket is at the other end of a connection within this machine: the user id that the kernel notes for it. Only Linux says so without rights of its own
 * (https://www.kernel.org/doc/Documentation/networking/proc_net_tcp.txt); elsewhere, and in any doubt, nobody's.
 */
import { lstat, readFile } from 'node:fs/promises'

export async function ownerOfPeer(peerPort: number, ownPort: number): Promise<number | null> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'utf8').catch(() => '')))
  const [peer, own] = [hexPort(peerPort), hexPort(ownPort)]
  const owners = tables.flatMap((table) =>
    table
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      // Established, from the peer's side.
      .filter(([, local, remote, state]) => state === '01' && local?.endsWith(`:${peer}`) === true && remote?.endsWith(`:${own}`) === true)
      .map((columns) => Number(columns[7])),
  )
  const [owner] = owners
  return owners.length === 1 && owner !== undefined && Number.isInteger(owner) ? owner : null
}

/** Whose the socket of a local service is; null where there is none. */
export async function ownerOfService(path: string): Promise<number | null> {
  const stats = await lstat(path).catch(() => null)
  return stats?.isSocket() === true ? stats.uid : null
}

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0')
}
