// A real OpenID Provider on 127.0.0.1. Whoever signs in as `unproven` has an address that nobody has checked.
import { Provider } from 'oidc-provider';

const port = Number(process.argv[2]);
const redirectUri = process.argv[3];

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'wingding', client_secret: 'a secret between us', redirect_uris: [redirectUri] }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username', 'locale'] },
  pkce: { required: () => true },
  async findAccount(_context, id) {
    return {
      accountId: id,
      claims: async () => ({
        sub: id,
        email: 'grace@example.org',
        email_verified: id !== 'unproven',
        name: 'Grace H.',
        preferred_username: id,
        locale: 'ru-RU',
      }),
    };
  },
});

provider.listen(port, '127.0.0.1', () => console.log('ready'));
