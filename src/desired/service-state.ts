/** Whether a service can be used now; `reason` is a sentence for people when it cannot, `remark` what they should know although it can. */
export type ServiceState =
  | { readonly usable: true; readonly remark?: string }
  | { readonly usable: false; readonly reason: string };

export const USABLE: ServiceState = { usable: true };

export function unusable(reason: string): ServiceState {
  return { usable: false, reason };
}
