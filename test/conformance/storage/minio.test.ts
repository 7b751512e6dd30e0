import { openMinioStore } from '../../../src/storage/minio/open-minio-store.ts';
import { needsMinio } from '../../services/minio.ts';
import { minioHarness } from './minio-harness.ts';
import { storeSuite } from './suite.ts';

storeSuite('minio', needsMinio(), () => minioHarness((access) => openMinioStore(access)));
