/** The bot, or the place it should go to, is not fit for it. Nothing has been changed. */
export class DeployError extends Error {
  override readonly name = 'DeployError';
  readonly code = 'deploy-refused';
  readonly hint: string;

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}
