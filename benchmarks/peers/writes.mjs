export async function register() { throw new Error('later') }
export async function send() { throw new Error('later') }
export async function markRead() { throw new Error('later') }
