import { openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import { needsMinio } from '../../services/minio.ts';
import { minioHarness } from './minio-harness.ts';
import { storeSuite } from './suite.ts';

storeSuite('s3', needsMinio(), () => minioHarness((access) => openS3Store(access)));
