import { roomId, serviceUrl, webhookUrl } from './network-values.ts';
import { requiredSecret } from './secret-keys.ts';
import { optionalKey, optionalSection, requiredKey, section } from './table-shape.ts';
import { word } from './values.ts';

/** `warnings`: on which ways people hear of what needs one of them. */
export const warningsSection = section('Who is told when something needs a person.', {
  webhook: optionalKey(webhookUrl, {
    says: 'http or https URL to which warnings are posted as JSON, for example of a certificate that is not renewed: an incoming webhook of Slack, Mattermost or matrix-hookshot, or a program of yours.',
    example: 'https://hooks.example.com/matrix-sidecar',
    otherwise: 'warnings are logged, counted and shown only',
    variable: 'WARNINGS_WEBHOOK',
    secret: true,
  }),
  matrix: optionalSection(
    'A Matrix room to which warnings are sent, beside the webhook or instead of it: on a homeserver that is not behind this sidecar, which would have to carry the news that it is down.',
    {
      homeserver: requiredKey(serviceUrl, {
        says: 'The URL where the clients of that homeserver go.',
        example: 'https://matrix.example.org',
        variable: 'WARNINGS_MATRIX_HOMESERVER',
      }),
      room: requiredKey(roomId, {
        says: 'The id of the room, not its address; the room must not be encrypted.',
        example: '!abcdefgh:example.org',
        variable: 'WARNINGS_MATRIX_ROOM',
      }),
      ...requiredSecret('token', word, {
        says: 'An access token of a user who is in the room and may write there.',
        example: 'syt_b25jYWxs_abcdefghijklmnopqrst_012345',
        exampleFile: 'certs/warnings.token',
        variable: 'WARNINGS_MATRIX_TOKEN',
      }),
    },
  ),
});
