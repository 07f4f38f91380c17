/** AWS Signature Version 4. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
import { AwsV4Signer } from 'aws4fetch'
import type { Secret } from '../../contracts/secret.ts'
import { headerKey } from '../wire/bearer.ts'
import type { HeaderValues, OutgoingRequest } from '../wire/define-provider.ts'

export interface AwsCredentials {
  readonly accessKeyId: Secret
  readonly secretAccessKey: Secret
  readonly sessionToken?: Secret | undefined
}

export async function sign(request: OutgoingRequest, credentials: AwsCredentials, region: string, now: number): Promise<HeaderValues> {
  const signer = new AwsV4Signer({
    method: request.method,
    url: request.url.href,
    body: request.body,
    accessKeyId: headerKey(credentials.accessKeyId),
    secretAccessKey: headerKey(credentials.secretAccessKey),
    ...(credentials.sessionToken === undefined ? {} : { sessionToken: headerKey(credentials.sessionToken) }),
    service: 'bedrock',
    region,
    datetime: new Date(now).toISOString().replaceAll(/[:-]|\.\d{3}/g, ''),
  })
  const { headers } = await signer.sign()
  return Object.fromEntries(headers)
}
