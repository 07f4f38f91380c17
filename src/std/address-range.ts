/** Whether a text is an IP address or a CIDR range, in its usual form. `node:net` is fenced, and a library would be loaded at every start. */
export function isAddressRange(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const isV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/.test(address) && !/(?:^|\.)0\d/.test(address)
  if (more.length > 0 || !(isV4 || isV6(address))) return false
  return bits === undefined || (/^(?:0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= (isV4 ? 32 : 128))
}

function isV6(text: string): boolean {
  const halves = text.split('::')
  if (halves.length > 2 || !/^[\da-f:]{2,39}$/i.test(text)) return false
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  return groups.every((group) => /^[\da-f]{1,4}$/i.test(group)) && (halves.length === 2 ? groups.length < 8 : groups.length === 8)
}
