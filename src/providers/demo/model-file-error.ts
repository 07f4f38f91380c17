/** The model file cannot be used; the message goes on from "the model file cannot be used: " and is safe to show. */
export class ModelFileError extends Error {
  override readonly name = 'ModelFileError'
}
