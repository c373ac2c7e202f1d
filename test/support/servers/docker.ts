import { kindOf } from './private.ts';
import type { Server } from './server.ts';

/** One of each family and age; all of them with HUBSPOT_OUTBOX_IMAGES=mysql:5.7,mysql:8.0,… */
const IMAGES = (process.env.HUBSPOT_OUTBOX_IMAGES ?? 'mariadb:10.11,mysql:5.7,mysql:8.4').split(',');

/** Servers in containers, of all kinds or just of these. @throws when no Docker engine answers */
export async function startContainers(only: readonly string[]): Promise<Server[]> {
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import('testcontainers');
  await getContainerRuntimeClient();
  const wanted = IMAGES.filter((image) => only.length === 0 || only.includes(kindOfImage(image)));
  return Promise.all(
    wanted.map(async (image) => {
      const container = await new GenericContainer(image)
        .withEnvironment({ MYSQL_ROOT_PASSWORD: 'root', MYSQL_ROOT_HOST: '%' })
        .withCommand(['--local-infile=ON', '--skip-log-bin'])
        .withExposedPorts(3306)
        // Most say it on a line of its own; the server that only sets the data up has port 0.
        .withWaitStrategy(Wait.forLogMessage(/\bport: 3306\b/))
        .start();
      const port = container.getMappedPort(3306);
      const host = container.getHost();
      return {
        kind: kindOfImage(image),
        host,
        port,
        adminUrl: `mysql://root:root@${host}:${port}`,
        pid: undefined,
        stop: async () => {
          await container.stop();
        },
      };
    }),
  );
}

function kindOfImage(image: string): string {
  const [name = image, tag = '0'] = image.split(':');
  return kindOf(`${tag}${'.0'.repeat(Math.max(0, 3 - tag.split('.').length))}-${name}`);
}
