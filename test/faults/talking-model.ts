/**
 * A model server that answers each question the same way however often it is asked: two tool calls for a question, then the answer in pieces. It says which phase each
 * answer is in, so that a test can strike there.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerResponse } from 'node:http'
import * as z from 'zod'
import { startLoopback } from '../doubles/loopback.ts'
import { chatReply } from '../doubles/openai-wire.ts'

export const PHASES = ['question-asked', 'calls-streaming', 'calls-sent', 'results-received', 'answer-streaming', 'answer-sent'] as const
export type Phase = (typeof PHASES)[number]

export interface TalkingModel extends AsyncDisposable {
  readonly baseUrl: string
  /** Called at every phase of every answer. */
  onPhase: (phase: Phase) => void
}

export const answerTo = (question: string) => `The answer to ${question}.`

const chatBody = z.object({ messages: z.array(z.object({ role: z.string(), content: z.unknown() })) })

export async function startTalkingModel(): Promise<TalkingModel> {
  const server = await startLoopback(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk)
    const { messages } = chatBody.parse(JSON.parse(Buffer.concat(chunks).toString()))
    const question = String(messages.findLast(({ role }) => role === 'user')?.content)
    if (messages.at(-1)?.role === 'tool')
      await play(
        response,
        ['results-received', 'answer-streaming', 'answer-sent'],
        chatReply({
          text: answerTo(question)
            .split(' ')
            .map((word, index) => (index === 0 ? word : ` ${word}`)),
        }).pieces,
      )
    else await play(response, ['question-asked', 'calls-streaming', 'calls-sent'], chatReply({ calls: callsFor(question) }).pieces)
  })
  const model: TalkingModel = {
    baseUrl: new URL('/v1', server.url).href,
    onPhase: () => undefined,
    [Symbol.asyncDispose]: server.close,
  }
  return model

  async function play(response: ServerResponse, [asked, streaming, sent]: readonly [Phase, Phase, Phase], pieces: readonly unknown[]): Promise<void> {
    model.onPhase(asked)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const [index, piece] of pieces.entries()) {
      response.write(String(piece))
      if (index === 1) model.onPhase(streaming)
      // A model takes its time, so that a blow can fall between two pieces.
      await sleep(1)
      if (response.destroyed) return
    }
    response.end()
    model.onPhase(sent)
  }
}

function callsFor(question: string) {
  return [
    { id: `call_note_${question}`, name: 'memory_write', arguments: JSON.stringify({ key: question, value: 'asked' }) },
    { id: `call_sum_${question}`, name: 'math_eval', arguments: '{"expression":"6*7"}' },
  ]
}
