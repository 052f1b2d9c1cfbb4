// What every client does: a query, a mutation, and a subscription that hears what the mutation caused.
// Argument: a JSON object {http, ws, stream, token, eventId}. Prints what came back as one JSON object.
export const given = JSON.parse(process.argv[2]);
export const headers = { Authorization: `Bearer ${given.token}` };

export const EVENT = `query TheEvent($id: ID!) { event(id: $id) { __typename title availability { taken free } } }`;
export const REGISTER = `mutation Register($input: RegisterForEventInput!) {
  registerForEvent(input: $input) { registration { admission } errors { code } }
}`;
export const CANCEL = `mutation Cancel($input: CancelRegistrationInput!) {
  cancelRegistration(input: $input) { registration { admission } errors { code } }
}`;
export const WATCH = `subscription Watch($id: ID!) {
  availabilityChanged(eventId: $id) { __typename ... on AvailabilityChange { taken free } }
}`;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// `query` and `mutate` answer {data, errors}; `listen` calls back with the same for each event, and returns its end.
// A stream is live a moment after it was asked for, and no client is told: so the change is made until it is heard.
// `sent`, if there is one, is printed too: what a client wrote down about its requests.
export async function play({ query, mutate, listen, close = () => {}, sent }) {
  const queried = await query(EVENT, { id: given.eventId });
  let heard;
  const stop = listen(WATCH, { id: given.eventId }, (answer) => {
    const isOfAnEarlierRound = answer.data?.availabilityChanged?.taken === 0;
    if (!isOfAnEarlierRound) heard ??= answer;
  });
  await pause(300);
  const mutated = await mutate(REGISTER, { input: { eventId: given.eventId } });
  for (let round = 0; round < 40 && !heard; round++) {
    if (round % 10 === 9) {
      await mutate(CANCEL, { input: { eventId: given.eventId } });
      await mutate(REGISTER, { input: { eventId: given.eventId } });
    }
    await pause(100);
  }
  await stop();
  await close();
  console.log(JSON.stringify({ queried, mutated, heard, sent }));
}
