import type { CoreConfig } from '../config/schema.ts'
import type { ClassifierDeps } from '../agent/classifier.ts'
import type { Classifier } from '../guard/stages/message/classified.ts'

/** Nothing is loaded where it is off. */
export async function openClassifier({ guard }: Pick<CoreConfig, 'guard'>, deps: ClassifierDeps): Promise<Classifier | null> {
  if (guard.classifier.mode === 'off') return null
  const { createClassifier } = await import('../agent/classifier.ts')
  return createClassifier(guard.classifier, deps)
}
