/** The first bytes of real pictures of 300 × 200 points, as ImageMagick and cwebp wrote them: more is never looked at. */

const base64 = {
  png: 'iVBORw0KGgoAAAANSUhEUgAAASwAAADIAQMAAABoEU4WAAAABGdBTUEAALGPC/xh',
  jpeg: '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/2wBDAQMDAwQDBAgEBAgQCwkLEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBD/wAARCADIASwDAREAAhEBAxE=',
  progressiveJpeg:
    '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/2wBDAQMDAwQDBAgEBAgQCwkLEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBD/wgARCADIASwDAREAAhEBAxE=',
  gif: 'R0lGODlhLAHIAPAAAP8AAAAAACH5BAAAAAAALAAAAAAsAcgAAAL+hI+py+0Po5y0',
  webp: 'UklGRtgAAABXRUJQVlA4IMwAAADQEACdASosAcgAPpFIoU0lpCMiICgAsBIJaW7h',
  losslessWebp: 'UklGRiQAAABXRUJQVlA4TBcAAAAvK8ExAAcQ/Y/+BwAU6f9/iuh/6v/XAAA=',
  extendedWebp: 'UklGRvwAAABXRUJQVlA4WAoAAAAQAAAAKwEAxwAAQUxQSAoAAAABB1DAiAhERP8D',
} as const

export const pictures = Object.fromEntries(Object.entries(base64).map(([name, text]) => [name, Buffer.from(text, 'base64')]))

export const PNG = Buffer.from(base64.png, 'base64')

/** A picture that says it is this large. */
export function pngOf(width: number, height: number): Buffer {
  const bytes = Buffer.from(PNG)
  bytes.writeUInt32BE(width, 16)
  bytes.writeUInt32BE(height, 20)
  return bytes
}
